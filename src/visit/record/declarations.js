(() => {
  // Objects of consent platforms that hold what they declare; asked for, never called to answer.
  const LONGEST = 1048576;
  const found = [];
  const text = (value) => {
    const seen = new Set();
    let left = 20000;
    const plain = (key, value) => {
      if (--left < 0) return undefined;
      if (value instanceof RegExp) return { regex: value.source };
      if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return undefined;
      if (typeof value === 'object' && value !== null) {
        if (value instanceof Node || value === window || seen.has(value)) return undefined;
        seen.add(value);
      }
      return value;
    };
    return JSON.stringify(value, plain);
  };
  const keep = (source, get) => {
    try {
      const value = get();
      if (typeof value !== 'object' || value === null) return;
      const json = text(value);
      if (typeof json === 'string' && json.length > 2 && json.length <= LONGEST) found.push({ source, text: json });
    } catch {
      // A page may make of these names what it likes.
    }
  };
  const own = (name) => Object.getOwnPropertyDescriptor(window, name)?.value;
  const tables = (dialog) => {
    const named = {};
    for (const kind of ['Necessary', 'Preference', 'Statistics', 'Advertising', 'Unclassified']) {
      if (Array.isArray(dialog?.['cookieTable' + kind])) named['cookieTable' + kind] = dialog['cookieTable' + kind];
    }
    return Object.keys(named).length > 0 ? named : null;
  };
  keep('window.klaroConfig', () => {
    const config = own('klaroConfig') ?? own('klaro')?.getManager?.()?.config;
    return Array.isArray(config?.services ?? config?.apps) ? { klaro: { default: config.default, services: config.services ?? config.apps } } : null;
  });
  keep('window.tarteaucitron', () => {
    const tac = own('tarteaucitron');
    if (!tac?.services || !Array.isArray(tac.job)) return null;
    const services = {};
    for (const name of tac.job) {
      const { type, name: title, uri, needConsent, cookies } = tac.services[name] ?? {};
      services[String(name)] = { type, name: title, uri, needConsent, cookies };
    }
    const { highPrivacy, DenyAllCta, serviceDefaultState } = tac.parameters ?? {};
    return { tarteaucitron: { parameters: { highPrivacy, DenyAllCta, serviceDefaultState }, services } };
  });
  keep('window.CookieConsentDialog', () => tables(own('CookieConsentDialog')) ?? tables(own('Cookiebot')?.dialog));
  keep('window._ckyConfig', () => {
    const config = own('_ckyConfig') ?? own('ckySettings');
    return Array.isArray(config?._categories) ? { _categories: config._categories } : null;
  });
  keep('window.OneTrust', () => {
    const data = own('OneTrust')?.GetDomainData?.();
    return Array.isArray(data?.Groups) ? { DomainData: { Groups: data.Groups } } : null;
  });
  keep('window.CookieConsent', () => {
    const categories = own('CookieConsent')?.getConfig?.('categories');
    return categories && typeof categories === 'object' ? { cookieconsent: { categories } } : null;
  });
  keep('window._iub', () => {
    const options = own('_iub')?.csConfiguration ?? own('_iub')?.cs?.options;
    if (!options || typeof options !== 'object') return null;
    const { consentOnScroll, consentOnContinuedBrowsing, consentOnLinkAny, perPurposeConsent } = options;
    return { iubenda: { consentOnScroll, consentOnContinuedBrowsing, consentOnLinkAny, perPurposeConsent } };
  });
  return found;
})()
