'use strict';
// Keeps what a page says of running audits true. Without it the pages say the same, when they are loaded again.
(() => {
  const live = document.querySelector('[data-live]');
  if (!live) return;
  const source = new EventSource(live.dataset.live);
  const say = (selector, text) => {
    const place = live.querySelector(selector);
    if (place) place.textContent = text;
  };
  source.addEventListener('progress', (event) => {
    const now = JSON.parse(event.data);
    for (const place of document.querySelectorAll('[data-progress]')) {
      if (place.dataset.progress !== now.audit) continue;
      const bar = place.querySelector('progress');
      bar.max = Math.max(now.of, 1);
      bar.value = now.done;
      place.querySelector('[data-words]').textContent = `${now.done} of ${now.of}`;
    }
    say('[data-page]', now.url);
    say('[data-summary]', now.summary);
  });
  let again = 0;
  const load = () => {
    // Nobody loses what they are typing.
    if (document.activeElement && document.activeElement.matches('input, select, textarea')) return;
    clearTimeout(again);
    again = setTimeout(() => location.reload(), 300);
  };
  source.addEventListener('standing', (event) => {
    const now = JSON.parse(event.data);
    say('[data-standing]', `The audit is ${now.standing} now.`);
    load();
  });
  source.addEventListener('missed', load);
  addEventListener('pagehide', () => source.close());
})();
