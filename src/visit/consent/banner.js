// Lives in a world of its own, in every frame: the page cannot see it. Finds what might be a consent
// banner, and keeps hold of its buttons so that the host can click them with the mouse.
((consentSource) => {
  "use strict";
  if (globalThis.consentinel) return;
  const consent = new RegExp(consentSource, "iu");
  const LONGEST_BANNER = 6000;
  const LONGEST_LABEL = 160;
  const HOST = /^(?:article|aside|blockquote|body|div|footer|h[1-6]|header|main|nav|p|section|span)$/u;
  const MOST_BUTTONS = 300;
  const CLICKABLE =
    "button, a, input[type=button], input[type=submit], input[type=reset], input[type=image], [role=button], [role=link], [onclick], summary, [tabindex], [data-testid], [data-role], [class*=btn i], [class*=button i]";
  const CONTROL = "[class*=revoke i], [class*=revisit i], [class*=consent i], [id*=consent i], [class*=cookie i], [id*=cookie i]";
  const WORDS = "span, div, li, p, b, i, u, em, strong, label, td, font";
  const TOGGLE = "input[type=checkbox], [role=switch], [role=checkbox], [role=menuitemcheckbox], [aria-pressed]";
  const OPTION = "input[type=radio], [role=radio]";
  // What makers call what asks for consent: enough where the words are unusual.
  const HINT = /cookie|consent|gdpr|rgpd|dsgvo|\bcmp|orejime|tarteaucitron/iu;
  const hint = (node) =>
    squeeze(`${node.localName.includes("-") ? node.localName : ""} ${node.id} ${node.className?.baseVal ?? node.className ?? ""} ${node.getAttribute?.("aria-label") ?? ""}`).slice(0, 200);
  const elements = [];
  // Closed shadow roots, which only the browser can hand over, by their hosts.
  const closed = new Map();
  const shadow = (element) => element.shadowRoot ?? closed.get(element);

  const hostsIn = (element) => {
    const found = [];
    for (const child of element.getElementsByTagName("*")) {
      if (shadow(child)) found.push(child);
      if (found.length >= 40) break;
    }
    return found;
  };

  const keep = (element) => {
    const known = elements.indexOf(element);
    return known >= 0 ? known : elements.push(element) - 1;
  };

  // Everything in the document and in shadow roots. Counts what may hold a closed one: elements made
  // for it, and those that show something and hold nothing.
  const roots = (root, census = { found: [root], hosts: 0, made: [] }, depth = 0) => {
    if (depth > 6) return census;
    for (const element of root.querySelectorAll("*")) {
      if (element.localName.includes("-")) census.made.push(element);
      const inside = shadow(element);
      if (inside) {
        census.found.push(inside);
        roots(inside, census, depth + 1);
      } else if (element.localName.includes("-") || (!element.firstChild && HOST.test(element.localName))) {
        census.hosts += 1;
      }
    }
    return census;
  };

  const shown = (element) => {
    const box = element.getBoundingClientRect();
    if (box.width < 4 || box.height < 4) return false;
    if (box.bottom <= 0 || box.right <= 0 || box.top >= innerHeight || box.left >= innerWidth) return false;
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };

  const squeeze = (text) => text.replace(/\s+/gu, " ").trim();
  // What the style sheet writes before and after an element.
  const drawn = (element) =>
    ["::before", "::after"]
      .map((part) => [...getComputedStyle(element, part).content.matchAll(/"((?:[^"\\]|\\.)*)"/gu)].map(([, text]) => text).join(""))
      .join(" ");
  const named = (element) =>
    (element.getAttribute("aria-labelledby") ?? "").split(/\s+/u).map((id) => element.getRootNode().getElementById?.(id)?.innerText ?? "").join(" ");
  // What pictures in it say to those who cannot see them.
  const pictured = (element) =>
    [element, ...element.querySelectorAll("img, svg, [role=img]")]
      .map((picture) => picture.getAttribute("alt") ?? picture.querySelector?.(":scope > title")?.textContent ?? picture.getAttribute("aria-label") ?? "")
      .join(" ");
  const label = (element) => {
    const own = squeeze(element.innerText ?? "") || squeeze(element.value ?? "");
    if (/\p{L}/u.test(own)) return own.slice(0, LONGEST_LABEL);
    const told = [element.getAttribute("aria-label") ?? "", named(element), pictured(element), element.title ?? "", drawn(element)].map(squeeze).find((text) => /\p{L}/u.test(text)) ?? "";
    // A sign such as × says less than what it is called.
    return ((/\p{L}/u.test(own) ? own : told) || own).slice(0, LONGEST_LABEL);
  };

  // What its maker calls a button, for those whose words nobody knows.
  const mark = (element) =>
    ["id", "class", "data-testid", "data-role", "data-action", "data-action-type", "name", "value"]
      .map((name) => element.getAttribute(name) ?? "")
      .join(" ")
      .slice(0, 300);

  const parent = (node) => node.parentElement ?? (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  // The text of an element with what stands in the shadow roots in and below it.
  const wholeText = (element, depth = 0) => {
    let text = element.innerText ?? "";
    if (depth > 4) return text;
    for (const host of shadow(element) ? [element] : hostsIn(element)) {
      for (const child of shadow(host).children) {
        if (!(child instanceof HTMLStyleElement)) text += `\n${wholeText(child, depth + 1)}`;
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
        known.set(node, { long, speaks: !long && (consent.test(text) || HINT.test(hint(node))), length: squeeze(long ? "" : text).length });
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

  // What stands beside a switch: its label, or the words of the smallest box around it that has any.
  const naming = (element) => {
    const own = [[...(element.labels ?? [])].map((each) => each.innerText).join(" "), element.getAttribute("aria-label") ?? "", named(element), element.innerText ?? ""];
    const said = own.map(squeeze).find(Boolean);
    if (said) return said.slice(0, LONGEST_LABEL);
    for (let node = parent(element), depth = 0; node && depth < 4; node = parent(node), depth += 1) {
      const text = squeeze(node.innerText ?? "");
      if (text) return text.slice(0, LONGEST_LABEL);
    }
    return squeeze(element.name ?? element.id ?? "").slice(0, LONGEST_LABEL);
  };
  const isOn = (element) =>
    element.checked === true || element.getAttribute("aria-checked") === "true" || element.getAttribute("aria-pressed") === "true";
  const isFixed = (element) => element.disabled === true || element.getAttribute("aria-disabled") === "true";
  // Two buttons side by side of which one is pressed are the answers to a question, and no switches.
  const isPaired = (element) =>
    element.matches("[aria-pressed]:not([role=switch], [role=checkbox])") && element.parentElement?.querySelectorAll("[aria-pressed]").length === 2;
  // Options of one question share a group: by name, or by the box around them.
  const question = (element) => {
    if (element.name) return `name ${element.name}`;
    return `box ${keep(element.closest("[role=radiogroup], fieldset") ?? parent(element) ?? element)}`;
  };

  // Short words that nothing but their mouse pointer shows to be a button; when looking closer, those
  // without one too, if they stand above the page.
  let closer = false;
  const bare = (root, made) => {
    const found = [];
    let asked = 0;
    for (const element of [...root.querySelectorAll(WORDS), ...made]) {
      if (asked >= 600) break;
      const inside = shadow(element);
      if (!element.textContent || element.textContent.length > 60 || element.closest(CLICKABLE)) continue;
      // The innermost box that holds all of the words.
      if (!inside && element.firstElementChild && element.querySelector(WORDS)) continue;
      if (!shown(element)) continue;
      asked += 1;
      const points = getComputedStyle(inside?.querySelector("*") ?? element).cursor === "pointer";
      if (points || (closer && overlay(element))) found.push(element);
    }
    return found;
  };

  // What a question is about: its legend, what its group is called, its name.
  const about = (element) => {
    const group = element.closest("fieldset, [role=radiogroup]");
    const legend = group?.querySelector("legend")?.innerText ?? group?.getAttribute("aria-label") ?? "";
    return squeeze(`${legend} ${element.name ?? ""}`).slice(0, LONGEST_LABEL);
  };

  // Whether the page behind can neither be scrolled nor met.
  const locked = () => {
    const stuck = (element) => /hidden|clip/u.test(getComputedStyle(element).overflowY) || getComputedStyle(element).position === "fixed";
    return stuck(document.documentElement) || stuck(document.body);
  };
  const share = (element) => {
    const width = innerWidth || 1;
    const height = innerHeight || 1;
    let best = 0;
    // A veil behind the box belongs to it.
    for (let node = element; node && node !== document.body && node !== document.documentElement; node = parent(node)) {
      for (const box of [node, ...(node.parentElement === document.body ? [node.previousElementSibling, node.nextElementSibling] : [])]) {
        if (!box || !/fixed|absolute/u.test(getComputedStyle(box).position) || !shown(box)) continue;
        const { left, top, right, bottom } = box.getBoundingClientRect();
        best = Math.max(best, ((Math.min(right, width) - Math.max(left, 0)) * (Math.min(bottom, height) - Math.max(top, 0))) / (width * height));
      }
    }
    return best;
  };

  const scan = () => {
    const groups = new Map();
    const known = new Map();
    const toggles = [];
    const options = [];
    let count = 0;
    if (!document.body) return { banners: [], origin: globalThis.origin };
    const census = roots(document);
    for (const root of census.found) {
      const made = census.made.filter((element) => element.getRootNode() === root);
      for (const element of [...root.querySelectorAll(CLICKABLE), ...bare(root, made)]) {
        if (count >= MOST_BUTTONS) break;
        if (!shown(element)) continue;
        const text = label(element);
        // A clickable box around clickable things is not the button.
        if (!text || text.length >= LONGEST_LABEL || element.querySelector("button, a, [role=button]")) continue;
        // Neither is a part of a button, nor a switch.
        if (element.parentElement?.closest("button, a, [role=button], [role=link]") || element.matches(TOGGLE) || element.matches(OPTION)) continue;
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
          ...look(element),
        });
      }
      for (const element of root.querySelectorAll(TOGGLE)) {
        if (toggles.length >= MOST_BUTTONS) break;
        // A native box inside of a switch is the same switch.
        if (element.parentElement?.closest("[role=switch], [role=checkbox]")) continue;
        (isPaired(element) ? options : toggles).push(element);
      }
      for (const element of root.querySelectorAll(OPTION)) {
        if (options.length >= MOST_BUTTONS) break;
        options.push(element);
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
    const inside = (around) => (element) => {
      for (let node = element; node; node = parent(node)) if (node === around) return true;
      return false;
    };
    return {
      origin: globalThis.origin,
      viewport: [innerWidth, innerHeight],
      locked: locked(),
      kept: elements.length,
      banners: [...banners].slice(0, 12).map(([around, buttons]) => ({
        id: keep(around),
        text: squeeze(wholeText(around)).slice(0, 4000),
        lang: (around.closest("[lang]")?.lang ?? document.documentElement.lang ?? "").slice(0, 16),
        place: place(around),
        overlay: overlay(around),
        spoken: spoken(around),
        form: around.querySelector("input[type=email], input[type=password], input[type=tel], input[type=date]") !== null,
        hint: hint(around),
        buttons: buttons.filter((button, index) => buttons.findIndex((other) => other.id === button.id) === index),
        share: share(around),
        toggles: toggles.filter(inside(around))
          .map((element) => ({ id: keep(element), text: naming(element), mark: mark(element), checked: isOn(element), disabled: isFixed(element) })),
        options: options.filter(inside(around)).map((element) => ({
          id: keep(element), text: naming(element), mark: mark(element), about: about(element), question: question(element).slice(0, 120), checked: isOn(element), disabled: isFixed(element),
        })),
      })),
    };
  };

  const deepest = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit && shadow(hit)) {
      const inner = shadow(hit).elementFromPoint(x, y);
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return hit;
  };
  const within = (node, ancestor) => {
    for (let current = node; current; current = parent(current)) if (current === ancestor) return true;
    return false;
  };

  // Red, green, blue from 0 to 255 and how opaque from 0 to 1; nothing for what is no plain colour.
  const colour = (words) => {
    const parts = /^(rgba?|color)\((?:srgb )?([^)]+)\)$/u.exec(words);
    if (!parts) return null;
    const [red, green, blue, opaque = 1] = parts[2].split(/[\s,/]+/u).filter(Boolean).map(Number);
    const scale = parts[1] === "color" ? 255 : 1;
    const found = [red * scale, green * scale, blue * scale, opaque];
    return found.every(Number.isFinite) ? found : null;
  };
  const over = (above, below) => above.slice(0, 3).map((part, index) => part * above[3] + below[index] * (1 - above[3]));
  // What is painted behind an element, from the page's white up; nothing where a picture lies behind.
  const behind = (element) => {
    const layers = [];
    for (let node = element; node; node = parent(node)) {
      const style = getComputedStyle(node);
      if (style.backgroundImage !== "none") return null;
      const fill = colour(style.backgroundColor);
      if (!fill) return null;
      layers.push([...fill.slice(0, 3), fill[3] * Number(style.opacity)]);
      if (fill[3] === 1 && Number(style.opacity) === 1) break;
    }
    return layers.reverse().reduce((below, above) => over(above, below), [255, 255, 255]);
  };
  // Relative luminance and contrast ratio as WCAG 2.2 defines them.
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((left, right) => right - left);
    return (light + 0.05) / (dark + 0.05);
  };
  // How a button looks: contrast of its text, what it is filled with, size of its text.
  const look = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, (text) => (/\p{L}/u.test(text.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP));
    const words = walker.nextNode()?.parentElement ?? element;
    const style = getComputedStyle(words);
    const found = { font: Number.parseFloat(style.fontSize) };
    const ground = behind(words);
    const ink = colour(style.webkitTextFillColor || style.color);
    const pictured = !/\p{L}/u.test(element.innerText || element.value || "");
    if (ground && ink && !pictured && !/text/u.test(style.backgroundClip)) {
      let opaque = ink[3];
      for (let node = words; node && node !== parent(element); node = parent(node)) opaque *= Number(getComputedStyle(node).opacity);
      found.contrast = ratio(over([...ink.slice(0, 3), opaque], ground), ground);
    }
    const around = parent(element) && behind(parent(element));
    const filled = behind(element);
    if (filled && around && filled.some((part, index) => Math.abs(part - around[index]) >= 1)) found.fill = `rgb(${filled.map(Math.round).join(", ")})`;
    return found;
  };

  // Scrolls what a banner has to read to its end. True when something was left to read.
  const read = (id) => {
    let moved = false;
    const inside = elements[id];
    for (const element of inside ? [inside, ...inside.getElementsByTagName("*")] : []) {
      if (element.scrollHeight - element.clientHeight - element.scrollTop > 2 && /auto|scroll/u.test(getComputedStyle(element).overflowY)) {
        element.scrollTop = element.scrollHeight;
        moved = true;
      }
    }
    return moved;
  };

  // What stands in the place of an element that is gone: one that is called and says the same.
  const successor = (id) => {
    const gone = elements[id];
    if (!gone || gone.isConnected) return gone;
    const same = (other) => other.localName === gone.localName && mark(other) === mark(gone) && other.textContent === gone.textContent && shown(other);
    for (const root of roots(document).found) {
      const found = [...root.querySelectorAll(gone.localName)].find(same);
      if (found) {
        elements[id] = found;
        return found;
      }
    }
    return gone;
  };

  // Brings a button into view and says whether the mouse would meet it.
  const aim = (id) => {
    let element = successor(id);
    if (!element?.isConnected) return { gone: true };
    // A hidden checkbox is clicked through its label or the picture beside it, as a visitor does.
    const seen = (other) => other && other.getBoundingClientRect().width >= 4 && other.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!seen(element) && (element.matches(TOGGLE) || element.matches(OPTION))) {
      element = [...(element.labels ?? []), element.nextElementSibling, element.closest("label")].find(seen) ?? element;
    }
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

  // Whether something here may hold a closed shadow root that was not looked into. Asking the browser
  // costs a picture of the whole document, so it is asked a few times only, when something came new.
  let hosts = 0;
  let looks = 0;
  const veiled = () => {
    const now = document.body ? roots(document).hosts : 0;
    if (now === hosts || looks >= 5) return false;
    hosts = now;
    looks += 1;
    return true;
  };

  // Whether words without any sign of a button are worth a look: the page speaks of consent, and
  // something came new. From then on they are buttons, until told otherwise.
  let size = 0;
  const lookCloser = () => {
    const now = document.getElementsByTagName("*").length;
    if (closer || now === size || looks >= 10 || !document.body || !consent.test(document.body.textContent.slice(-200000))) return false;
    size = now;
    looks += 1;
    closer = true;
    return true;
  };

  // Everything on the page that may lead back to the consent settings: what floats, and what stands
  // at the end of the page.
  const controls = () => {
    const found = [];
    if (!document.body) return found;
    for (const root of roots(document).found) {
      for (const element of root.querySelectorAll(`${CLICKABLE}, ${CONTROL}`)) {
        if (found.length >= MOST_BUTTONS) return found;
        const box = element.getBoundingClientRect();
        if (box.width < 4 || box.height < 4 || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        if (element.querySelector("button, a, [role=button]") || element.parentElement?.closest("button, a, [role=button]")) continue;
        if (!element.matches(CLICKABLE) && getComputedStyle(element).cursor !== "pointer") continue;
        const address = element.getAttribute("href") ?? "";
        let marks = mark(element);
        for (let node = parent(element), depth = 0; node && depth < 2; node = parent(node), depth += 1) marks += ` ${mark(node)}`;
        found.push({
          id: keep(element), text: label(element), aria: squeeze(element.getAttribute("aria-label") ?? element.title ?? "").slice(0, LONGEST_LABEL), mark: marks.slice(0, 400),
          leads: element.localName === "a" && /^(?:https?:|\.{0,2}\/)/u.test(address), floats: overlay(element),
        });
      }
    }
    return found;
  };

  // Puts the keyboard on a button and says which key presses it; nothing where none would.
  const focus = (id) => {
    const element = elements[id];
    const box = element?.matches("input[type=checkbox], input[type=radio]");
    if (!box && !element?.matches("button, a[href], summary, input[type=button], input[type=submit]")) return null;
    element.focus({ preventScroll: true });
    let focused = document.activeElement;
    while (focused && shadow(focused)?.activeElement) focused = shadow(focused).activeElement;
    if (focused !== element) return null;
    return box ? "Space" : "Enter";
  };

  globalThis.consentinel = {
    scan,
    focus,
    controls,
    isOn: (id) => isOn(elements[id]),
    adopt: (root) => closed.set(root.host, root),
    veiled,
    aim,
    areas,
    element: (id) => successor(id),
    nativeClick: (id) => HTMLElement.prototype.click.call(elements[id]),
    keep,
    label,
    isShown: (id) => successor(id)?.isConnected === true && shown(elements[id]),
    read,
    lookCloser,
    lookAway: () => { closer = false; },
  };
})("CONSENT");
