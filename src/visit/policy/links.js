(() => {
  // Where the page leads: [text, address] of its links, the last ones first, because policies stand at the end.
  const links = [];
  const all = document.links;
  const here = location.href.split('#')[0];
  for (let at = all.length - 1; at >= 0 && links.length < 400; at--) {
    const { href, textContent } = all[at];
    if (typeof href === 'string' && /^https?:/u.test(href) && href.split('#')[0] !== here) {
      links.push([(textContent || all[at].getAttribute('aria-label') || '').trim().slice(0, 120), href.slice(0, 2000)]);
    }
  }
  return links;
})()
