// Asks the page's consent platforms what they have recorded, and changes nothing.
// A function expression: evaluate `(…)()` in the main world and await the promise.
async function () {
  const PATIENCE_MS = 2000;
  const MOST = 200;
  const LONGEST = 200;
  const LONGEST_STRING = 20000;

  const found = {};
  const cut = (value, longest = LONGEST) =>
    ['string', 'number', 'boolean'].includes(typeof value) ? String(value).slice(0, longest) : undefined;
  const flag = (value) => (typeof value === 'boolean' ? value : undefined);
  const names = (value) => (Array.isArray(value) ? value.slice(0, MOST).map((name) => cut(name)) : undefined);
  // The switches of an object; everything else in it is left behind.
  const flags = (object) => {
    if (!object || typeof object !== 'object') return undefined;
    const kept = {};
    for (const key of Object.keys(object).slice(0, MOST)) {
      if (typeof object[key] === 'boolean') kept[key.slice(0, LONGEST)] = object[key];
    }
    return kept;
  };
  const count = (object) => {
    if (!object || typeof object !== 'object') return 0;
    let granted = 0;
    for (const key of Object.keys(object).slice(0, 5000)) granted += object[key] === true ? 1 : 0;
    return granted;
  };
  const ask = (name, question) => {
    try {
      const answer = question();
      if (answer) found[name] = answer;
    } catch {
      // Not there, or half loaded: nothing to report.
    }
  };

  const tcf = () =>
    new Promise((resolve) => {
      if (typeof window.__tcfapi !== 'function') return resolve();
      window.__tcfapi('addEventListener', 2, (data, success) => {
        try {
          if (success && data) {
            found.tcf = {
              eventStatus: cut(data.eventStatus),
              gdprApplies: flag(data.gdprApplies),
              purposes: flags(data.purpose && data.purpose.consents),
              specialFeatures: flags(data.specialFeatureOptins),
              vendorConsents: count(data.vendor && data.vendor.consents),
              tcString: cut(data.tcString, LONGEST_STRING),
              addtlConsent: cut(data.addtlConsent, LONGEST_STRING),
            };
            // The listener is ours: take it away again.
            window.__tcfapi('removeEventListener', 2, () => {}, data.listenerId);
          }
        } catch {
          // An answer of another shape says nothing.
        }
        resolve();
      });
    });

  const usercentrics = async () => {
    if (!window.__ucCmp || typeof window.__ucCmp.getConsentDetails !== 'function') return;
    const details = await window.__ucCmp.getConsentDetails();
    const services = details.services || {};
    found.usercentrics = {
      status: cut(details.consent && details.consent.status),
      type: cut(details.consent && details.consent.type),
      services: Object.keys(services)
        .slice(0, MOST)
        .map((id) => {
          const service = services[id] || {};
          const consent = service.consent || {};
          return {
            name: cut(service.name || id),
            category: cut(service.category),
            essential: flag(service.essential),
            given: flag(consent.given),
            type: cut(consent.type),
          };
        }),
    };
  };

  ask('onetrust', () => {
    const active = window.OnetrustActiveGroups || window.OptanonActiveGroups;
    if (typeof active !== 'string') return undefined;
    const answer = { active: cut(active, 4000) };
    try {
      answer.closed = flag(window.OneTrust.IsAlertBoxClosed());
    } catch {
      // Older versions do not tell.
    }
    try {
      answer.groups = window.OneTrust.GetDomainData()
        .Groups.slice(0, MOST)
        .map((group) => ({
          id: cut(group.CustomGroupId || group.OptanonGroupId),
          always: /always/i.test(String(group.Status)),
        }));
    } catch {
      // Without the list only what is active is known.
    }
    return answer;
  });
  ask('cookiebot', () => {
    const bot = window.Cookiebot;
    return (
      bot &&
      bot.consent && {
        answered: flag(bot.hasResponse),
        consented: flag(bot.consented),
        declined: flag(bot.declined),
        consent: flags(bot.consent),
        method: cut(bot.consent.method),
      }
    );
  });
  ask('usercentrics2', () => {
    if (!window.UC_UI || window.__ucCmp || typeof window.UC_UI.getServicesBaseInfo !== 'function') return undefined;
    return window.UC_UI.getServicesBaseInfo()
      .slice(0, MOST)
      .map((service) => {
        const consent = service.consent || {};
        const history = consent.history || [];
        const last = history[history.length - 1] || {};
        return {
          name: cut(service.name || service.id),
          essential: flag(service.isEssential),
          given: flag(consent.status),
          type: cut(last.type),
        };
      });
  });
  ask('didomi', () => {
    const didomi = window.Didomi;
    const status = didomi && didomi.getCurrentUserStatus();
    if (!status || !status.purposes) return undefined;
    const purposes = {};
    for (const id of Object.keys(status.purposes).slice(0, MOST)) {
      const enabled = flag(status.purposes[id].enabled);
      if (enabled !== undefined) purposes[id.slice(0, LONGEST)] = enabled;
    }
    const answer = { purposes };
    try {
      answer.essential = names(window.didomiConfig.app.essentialPurposes);
    } catch {
      // Configured elsewhere.
    }
    try {
      answer.answered = didomi.isConsentRequired() && !didomi.shouldUserStatusBeCollected();
    } catch {
      // Older versions do not tell.
    }
    return answer;
  });
  ask('klaro', () => {
    const manager = window.klaro && window.klaro.getManager();
    if (!manager) return undefined;
    const services = (manager.config && (manager.config.services || manager.config.apps)) || [];
    return {
      consents: flags(manager.consents),
      confirmed: flag(manager.confirmed),
      required: names(services.filter((service) => service.required).map((service) => service.name)),
    };
  });
  ask('tarteaucitron', () => {
    const state = window.tarteaucitron && window.tarteaucitron.state;
    return state && { state: flags(state), cookie: cut(window.tarteaucitron.cookie.read(), 4000) };
  });
  ask('vanilla', () => {
    const consent = window.CookieConsent;
    if (!consent || typeof consent.validConsent !== 'function') return undefined;
    const preferences = consent.getUserPreferences();
    return {
      answered: flag(consent.validConsent()),
      type: cut(preferences.acceptType),
      accepted: names(preferences.acceptedCategories),
      rejected: names(preferences.rejectedCategories),
    };
  });
  ask('cookieyes', () => {
    const consent = typeof window.getCkyConsent === 'function' && window.getCkyConsent();
    return consent && { answered: flag(consent.isUserActionCompleted), categories: flags(consent.categories) };
  });
  ask('cookieScript', () => {
    const state = window.CookieScript && window.CookieScript.instance.currentState();
    return state && { action: cut(state.action), categories: names(state.categories) };
  });
  ask('cookieInformation', () => {
    const given = window.CookieInformation && window.CookieInformation.getConsentGivenFor;
    if (typeof given !== 'function') return undefined;
    const consents = {};
    for (const name of ['cookie_cat_functional', 'cookie_cat_statistic', 'cookie_cat_marketing']) {
      consents[name] = flag(window.CookieInformation.getConsentGivenFor(name));
    }
    return flags(consents);
  });
  ask('iubenda', () => {
    const consent = window._iub && window._iub.cs && window._iub.cs.consent;
    return (
      consent && {
        consent: flag(consent.consent),
        purposes: flags(consent.purposes),
        answered: consent.timestamp !== undefined,
      }
    );
  });
  ask('osano', () => {
    const consent = window.Osano && window.Osano.cm.getConsent();
    if (!consent) return undefined;
    const kept = {};
    for (const key of Object.keys(consent).slice(0, 20)) kept[key.slice(0, LONGEST)] = cut(consent[key]);
    return kept;
  });
  ask('shopify', () => {
    const consent = window.Shopify && window.Shopify.customerPrivacy.currentVisitorConsent();
    return (
      consent && {
        marketing: cut(consent.marketing),
        analytics: cut(consent.analytics),
        preferences: cut(consent.preferences),
      }
    );
  });
  ask('consentmanager', () => {
    if (typeof window.__cmp !== 'function') return undefined;
    const data = window.__cmp('getCMPData');
    if (!data || typeof data !== 'object') return undefined;
    const status = window.__cmp('consentStatus') || {};
    return { purposes: flags(data.purposeConsents), answered: flag(status.userChoiceExists) };
  });
  ask('consentMode', () => {
    const layer = window.dataLayer;
    if (!Array.isArray(layer)) return undefined;
    const commands = [];
    for (let at = 0; at < Math.min(layer.length, 5000); at += 1) {
      // Entries of gtag() are Arguments objects.
      const entry = layer[at];
      if (!entry || entry[0] !== 'consent' || !entry[2] || typeof entry[2] !== 'object') continue;
      const states = {};
      for (const key of Object.keys(entry[2]).slice(0, 20)) {
        const state = entry[2][key];
        if (typeof state === 'string') states[key.slice(0, LONGEST)] = cut(state);
      }
      commands.push({ command: cut(entry[1]), regional: entry[2].region !== undefined, states });
      if (commands.length >= 50) break;
    }
    return commands.length ? commands : undefined;
  });
  ask('consentState', () => {
    const entries = window.google_tag_data && window.google_tag_data.ics && window.google_tag_data.ics.entries;
    if (!entries) return undefined;
    const states = {};
    for (const type of Object.keys(entries).slice(0, 20)) {
      states[type.slice(0, LONGEST)] = {
        default: flag(entries[type].default),
        update: flag(entries[type].update),
      };
    }
    return states;
  });

  const quietly = async (question) => {
    try {
      await question();
    } catch {
      // Not there, or half loaded: nothing to report.
    }
  };
  await Promise.race([
    Promise.all([quietly(tcf), quietly(usercentrics)]),
    new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
  ]);
  return found;
}
