'use strict';
(() => {
  const form = document.getElementById('filters');
  const unfoldAll = (all, open) => all.forEach((details) => { details.open = open; });
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('details:not([open])')];
    unfoldAll(folded, true);
  });
  addEventListener('afterprint', () => unfoldAll(folded, false));
  if (!form) return;

  const findings = [...document.querySelectorAll('.finding')];
  const groups = [...document.querySelectorAll('.group')];
  const told = document.getElementById('filters-told');
  const apply = () => {
    const wanted = new FormData(form);
    const text = wanted.get('text').trim().toLowerCase();
    let shown = 0;
    for (const finding of findings) {
      const fits = ['severity', 'verdict', 'state']
        .every((name) => !wanted.get(name) || finding.dataset[name] === wanted.get(name));
      const group = finding.closest('.group').querySelector('h3').textContent;
      finding.hidden = !fits || !(group + finding.textContent).toLowerCase().includes(text);
      if (!finding.hidden) shown += 1;
    }
    for (const group of groups) group.hidden = !group.querySelector('.finding:not([hidden])');
    told.textContent = `${shown} of ${findings.length} findings shown`;
  };
  form.addEventListener('input', apply);
  form.addEventListener('reset', () => setTimeout(apply));
  form.addEventListener('submit', (event) => event.preventDefault());
  // A link to a finding must not lead to one a filter hides, nor to a page that is folded.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) { form.reset(); apply(); }
    if (target.tagName === 'DETAILS') target.open = true;
    target.scrollIntoView();
  };
  addEventListener('hashchange', reveal);
  const unfold = document.getElementById('unfold');
  unfold.addEventListener('click', () => {
    const all = [...document.querySelectorAll('.evidence')];
    const open = all.some((details) => !details.open);
    unfoldAll(all, open);
    unfold.textContent = open ? 'Fold evidence' : 'Unfold evidence';
  });
  form.hidden = false;
  apply();
})();
