// Lives in a world of its own, in every frame: the page cannot see it. Finds what might be a consent
// banner, and keeps hold of its buttons so that the host can click them with the mouse.
((consentSource) => {
  "use strict";
  if (globalThis.consentinel) return;
  const consent = new RegExp(consentSource, "iu");
  const LONGEST_BANNER = 6000;
  const LONGEST_LABEL = 160;
  const MOST_BUTTONS = 300;
  const CLICKABLE =
    "button, a, input[type=button], input[type=submit], input[type=reset], [role=button], [role=link], [onclick], summary, [tabindex], [data-testid], [data-role], [class*=btn i], [class*=button i]";
  const TOGGLE = "input[type=checkbox], [role=switch], [role=checkbox], [aria-pressed]";
  const elements = [];

  const keep = (element) => {
    const known = elements.indexOf(element);
    return known >= 0 ? known : elements.push(element) - 1;
  };

  // Everything in the document and in open shadow roots.
  const roots = (root, found = [root], depth = 0) => {
    if (depth > 6) return found;
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) {
        found.push(element.shadowRoot);
        roots(element.shadowRoot, found, depth + 1);
      }
    }
    return found;
  };

  const shown = (element) => {
    const box = element.getBoundingClientRect();
    if (box.width < 4 || box.height < 4) return false;
    if (box.bottom <= 0 || box.right <= 0 || box.top >= innerHeight || box.left >= innerWidth) return false;
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };

  const squeeze = (text) => text.replace(/\s+/gu, " ").trim();
  const label = (element) => {
    const own = squeeze(element.innerText ?? "") || squeeze(element.value ?? "");
    return (own || squeeze(element.getAttribute("aria-label") ?? "") || squeeze(element.title ?? "")).slice(0, LONGEST_LABEL);
  };

  // What its maker calls a button, for those whose words nobody knows.
  const mark = (element) =>
    ["id", "class", "data-testid", "data-role", "data-action", "data-action-type", "name", "value"]
      .map((name) => element.getAttribute(name) ?? "")
      .join(" ")
      .slice(0, 300);

  const parent = (node) => node.parentElement ?? (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  // The text of an element with what stands in its open shadow roots.
  const wholeText = (element) => {
    let text = element.innerText ?? "";
    if (element.shadowRoot) {
      for (const child of element.shadowRoot.children) {
        if (!(child instanceof HTMLStyleElement)) text += `\n${child.innerText ?? ""}`;
      }
    }
    return text;
  };
  const place = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left, box.top, box.width, box.height];
  };

  // Speaks of consent itself, not only in the words of a link to some policy.
  const spoken = (element) => {
    let text = wholeText(element);
    for (const link of element.querySelectorAll("a[href]")) {
      if (/^(https?:|\.?\/)/u.test(link.getAttribute("href"))) text = text.replace(link.innerText ?? "", " ");
    }
    return consent.test(text);
  };

  // Stands above the page, or is a document of its own.
  const overlay = (element) => {
    if (window !== window.top) return true;
    for (let node = element; node; node = parent(node)) {
      if (node.matches("dialog, [role=dialog], [role=alertdialog], [aria-modal=true], [popover]")) return true;
      const { position, zIndex } = getComputedStyle(node);
      if (position === "fixed" || position === "sticky" || (position === "absolute" && Number(zIndex) > 0)) return true;
    }
    return false;
  };

  // The smallest surroundings of a button that speak of consent beyond the button itself. What an
  // element says is asked once a scan: reading rendered text makes the browser lay the page out.
  const surroundings = (button, known) => {
    const reading = (node) => {
      if (!known.has(node)) {
        const text = wholeText(node);
        const long = text.length > LONGEST_BANNER;
        known.set(node, { long, speaks: !long && consent.test(text), length: squeeze(long ? "" : text).length });
      }
      return known.get(node);
    };
    let best = null;
    for (let node = parent(button), depth = 0; node && depth < 14; node = parent(node), depth += 1) {
      const top = node === document.body || node === document.documentElement;
      if (top && window === window.top) break;
      const { long, speaks, length } = reading(node);
      if (long) break;
      if (speaks && length > squeeze(button.innerText ?? "").length + 8) best = node;
      if (top) break;
      const style = getComputedStyle(node);
      if (best && (style.position === "fixed" || node.matches("dialog, [role=dialog], [role=alertdialog], [aria-modal=true]"))) break;
    }
    return best;
  };

  const scan = () => {
    const groups = new Map();
    const known = new Map();
    const toggles = [];
    let count = 0;
    if (!document.body) return { banners: [], origin: globalThis.origin };
    for (const root of roots(document)) {
      for (const element of root.querySelectorAll(CLICKABLE)) {
        if (count >= MOST_BUTTONS) break;
        if (!shown(element)) continue;
        const text = label(element);
        // A clickable box around clickable things is not the button.
        if (!text || text.length >= LONGEST_LABEL || element.querySelector("button, a, [role=button]")) continue;
        const around = surroundings(element, known);
        if (!around) continue;
        count += 1;
        if (!groups.has(around)) groups.set(around, []);
        groups.get(around).push({
          id: keep(element),
          text,
          mark: mark(element),
          link: element.localName === "a" && /^(https?:|\/)/u.test(element.getAttribute("href") ?? ""),
          disabled: element.disabled === true || element.getAttribute("aria-disabled") === "true",
          place: place(element),
        });
      }
      for (const element of root.querySelectorAll(TOGGLE)) {
        if (toggles.length >= MOST_BUTTONS) break;
        const checked = element.checked === true || element.getAttribute("aria-checked") === "true" || element.getAttribute("aria-pressed") === "true";
        const disabled = element.disabled === true || element.getAttribute("aria-disabled") === "true";
        toggles.push({ element, checked, disabled });
      }
    }
    // Groups inside a larger one are the same banner.
    const outermost = (around) => {
      let best = around;
      for (const other of groups.keys()) {
        if (other !== best && other.contains(best)) best = other;
      }
      return best;
    };
    const banners = new Map();
    for (const [around, buttons] of groups) {
      const outer = outermost(around);
      if (!banners.has(outer)) banners.set(outer, []);
      banners.get(outer).push(...buttons);
    }
    return {
      origin: globalThis.origin,
      viewport: [innerWidth, innerHeight],
      banners: [...banners].slice(0, 12).map(([around, buttons]) => ({
        id: keep(around),
        text: squeeze(wholeText(around)).slice(0, 4000),
        lang: (around.closest("[lang]")?.lang ?? document.documentElement.lang ?? "").slice(0, 16),
        place: place(around),
        overlay: overlay(around),
        spoken: spoken(around),
        form: around.querySelector("input[type=email], input[type=password], input[type=tel], input[type=date]") !== null,
        hint: squeeze(`${around.id} ${around.className?.baseVal ?? around.className ?? ""}`).slice(0, 200),
        buttons: buttons.filter((button, index) => buttons.findIndex((other) => other.id === button.id) === index),
        toggles: toggles
          .filter(({ element }) => around.contains(element) || around.shadowRoot?.contains(element))
          .map(({ element, checked, disabled }) => ({ id: keep(element), checked, disabled })),
      })),
    };
  };

  const deepest = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit?.shadowRoot) {
      const inner = hit.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return hit;
  };
  const within = (node, ancestor) => {
    for (let current = node; current; current = parent(current)) if (current === ancestor) return true;
    return false;
  };

  // Brings a button into view and says whether the mouse would meet it.
  const aim = (id) => {
    let element = elements[id];
    if (!element?.isConnected) return { gone: true };
    // A hidden checkbox is clicked through its label, as a visitor does.
    if (!shown(element) && element.labels?.length) element = element.labels[0];
    const before = element.getBoundingClientRect();
    if (before.top < 0 || before.bottom > innerHeight || before.left < 0 || before.right > innerWidth) {
      element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    }
    const [left, top, width, height] = place(element);
    const hit = width > 0 && height > 0 ? deepest(left + width / 2, top + height / 2) : null;
    return {
      gone: false,
      id: keep(element),
      text: label(element),
      place: [left, top, width, height],
      met: hit !== null && (within(hit, element) || within(element, hit)) && !(hit === document.body),
      cover: hit && !within(hit, element) ? `${hit.localName}${hit.id ? `#${hit.id}` : ""}`.slice(0, 80) : null,
    };
  };

  const areas = () => {
    const read = (open) => {
      try {
        const area = open();
        const entries = {};
        for (let index = 0; index < Math.min(area.length, 2000); index += 1) {
          const key = area.key(index);
          entries[key] = (area.getItem(key) ?? "").slice(0, 16384);
        }
        return entries;
      } catch {
        return {};
      }
    };
    return { origin: globalThis.origin, local: read(() => localStorage), session: read(() => sessionStorage) };
  };

  globalThis.consentinel = {
    scan,
    aim,
    areas,
    element: (id) => elements[id],
    nativeClick: (id) => HTMLElement.prototype.click.call(elements[id]),
    keep,
    label,
    isShown: (id) => elements[id]?.isConnected === true && shown(elements[id]),
  };
})("CONSENT");
