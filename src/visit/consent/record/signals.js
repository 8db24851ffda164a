// Reads what the page tells its tags of the visitor's consent, and changes nothing.
// A function expression: evaluate `(…)()` in the main world and await the promise.
async function () {
  const PATIENCE_MS = 2000;
  const MOST_ENTRIES = 5000;
  const MOST_COMMANDS = 50;
  const MOST = 20;
  const LONGEST = 200;
  const LONGEST_STRING = 20000;

  const found = {};
  const cut = (value, longest = LONGEST) =>
    ['string', 'number', 'boolean'].includes(typeof value) ? String(value).slice(0, longest) : undefined;
  const list = (value) =>
    Array.isArray(value) ? value.slice(0, MOST).map((entry) => cut(entry)) : cut(value) === undefined ? [] : [cut(value)];
  // The words and switches of an object; everything else in it is left behind.
  const states = (object) => {
    const kept = {};
    if (!object || typeof object !== 'object') return kept;
    for (const key of Object.keys(object).slice(0, MOST)) {
      if (['string', 'boolean'].includes(typeof object[key])) kept[key.slice(0, LONGEST)] = cut(object[key]);
    }
    return kept;
  };
  const quietly = async (question) => {
    try {
      await question();
    } catch {
      // Not there, or half loaded: nothing to report.
    }
  };
  const command = (position, name, settings, afterTag) => ({
    position,
    name: cut(name),
    regions: list(settings && settings.region),
    wait: settings && typeof settings.wait_for_update === 'number' ? settings.wait_for_update : undefined,
    states: typeof settings === 'string' ? {} : states(settings),
    afterTag,
  });

  // Entries of gtag() are Arguments objects, those of a container's snippet plain ones.
  const google = () => {
    const layer = window.dataLayer;
    if (!Array.isArray(layer)) return;
    const commands = [];
    let tag = false;
    for (let at = 0; at < Math.min(layer.length, MOST_ENTRIES) && commands.length < MOST_COMMANDS; at += 1) {
      const entry = layer[at];
      if (!entry || typeof entry !== 'object') continue;
      if (entry[0] === 'consent' && entry[2] && typeof entry[2] === 'object') {
        commands.push(command(at, entry[1], entry[2], tag));
      } else if (entry[0] === 'config' || entry[0] === 'event' || entry.event === 'gtm.js') {
        tag = true;
      }
    }
    found.google = commands;
  };
  // uetq.push('consent', 'default', {…}) puts three entries into the queue.
  const microsoft = () => {
    const queue = window.uetq;
    if (Array.isArray(queue)) {
      const commands = [];
      for (let at = 0; at < Math.min(queue.length, MOST_ENTRIES) && commands.length < MOST_COMMANDS; at += 1) {
        if (queue[at] === 'consent') commands.push(command(at, queue[at + 1], queue[at + 2]));
      }
      found.microsoft = commands;
    }
    const consent = queue && queue.uetConfig && queue.uetConfig.consent;
    if (consent && consent.enabled === true && typeof consent.adStorageAllowed === 'boolean') {
      found.microsoftState = consent.adStorageAllowed;
    }
  };
  // Stubs that keep their calls until the library is there.
  const queued = (key, calls, names) => {
    if (!calls || typeof calls.length !== 'number') return;
    const commands = [];
    for (let at = 0; at < Math.min(calls.length, MOST_ENTRIES) && commands.length < MOST_COMMANDS; at += 1) {
      const entry = calls[at];
      if (!entry || !names.includes(entry[0])) continue;
      // fbq('consent', 'revoke'), clarity('consentv2', {…}), clarity('consent').
      const told = typeof entry[1] === 'string' ? { name: entry[1] } : { name: entry[0], settings: entry[1] };
      commands.push(command(at, told.name, told.settings));
    }
    found[key] = commands;
  };

  const gpp = async () => {
    if (typeof window.__gpp !== 'function') return;
    // Version 1.0 answers at once, 1.1 calls back.
    const ping = await new Promise((resolve) => {
      const answer = window.__gpp('ping', (data) => resolve(data));
      if (answer && typeof answer === 'object') resolve(answer);
    });
    found.gpp = {
      string: cut(ping.gppString, LONGEST_STRING),
      sections: list(ping.applicableSections),
      supported: list(ping.supportedAPIs),
      cmpStatus: cut(ping.cmpStatus),
      signalStatus: cut(ping.signalStatus),
      displayStatus: cut(ping.cmpDisplayStatus),
    };
  };
  const usp = async () => {
    if (typeof window.__uspapi !== 'function') return;
    const data = await new Promise((resolve) => window.__uspapi('getUSPData', 1, (answer) => resolve(answer)));
    found.usp = { string: cut(data && data.uspString) };
  };
  const tcf = () =>
    new Promise((resolve) => {
      if (typeof window.__tcfapi !== 'function') return resolve();
      found.tcf = {};
      window.__tcfapi('ping', 2, (ping) => {
        if (!ping) return;
        found.tcf.cmpStatus = cut(ping.cmpStatus);
        found.tcf.displayStatus = cut(ping.displayStatus);
      });
      window.__tcfapi('addEventListener', 2, (data, success) => {
        if (success && data) {
          found.tcf.string = cut(data.tcString, LONGEST_STRING);
          found.tcf.eventStatus = cut(data.eventStatus);
          found.tcf.gdprApplies = cut(data.gdprApplies);
          // The listener is ours: take it away again.
          window.__tcfapi('removeEventListener', 2, () => {}, data.listenerId);
        }
        resolve();
      });
    });

  const gpc = () => {
    const value = window.navigator.globalPrivacyControl;
    found.gpc = typeof value === 'boolean' ? String(value) : 'absent';
  };

  await Promise.race([
    Promise.all([
      quietly(gpc),
      quietly(google),
      quietly(microsoft),
      quietly(() => queued('clarity', window.clarity && window.clarity.q, ['consent', 'consentv2'])),
      quietly(() => queued('meta', window.fbq && window.fbq.queue, ['consent'])),
      quietly(gpp),
      quietly(usp),
      quietly(tcf),
    ]),
    new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
  ]);
  return found;
}
