// Reports writes of cookies and storage with the stack that made them. Runs before the page's first
// line, in every frame. The natives are wrapped in proxies, which print as native code, and the
// channel is taken off the global object before the page can see it.
((channel) => {
  "use strict";
  const send = globalThis[channel];
  delete globalThis[channel];
  if (typeof send !== "function") return;
  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { stringify } = JSON;
  const TheProxy = Proxy;
  const TheError = Error;
  const LONGEST = 16384;

  const stack = () => {
    const limit = TheError.stackTraceLimit;
    TheError.stackTraceLimit = 30;
    const text = new TheError().stack;
    TheError.stackTraceLimit = limit;
    return typeof text === "string" ? text.slice(0, 8192) : "";
  };
  const report = (data) => {
    try {
      data.origin = globalThis.origin;
      data.stack = stack();
      send(stringify(data));
    } catch {
      // A page that breaks the reporting must not notice.
    }
  };
  const text = (value) => {
    const whole = `${value}`;
    return whole.length > LONGEST ? whole.slice(0, LONGEST) : whole;
  };
  const wrap = (owner, name, part, handler) => {
    const descriptor = owner && getOwnPropertyDescriptor(owner, name);
    if (!descriptor || typeof descriptor[part] !== "function") return;
    descriptor[part] = new TheProxy(descriptor[part], { apply: handler });
    defineProperty(owner, name, descriptor);
  };

  const readCookies = getOwnPropertyDescriptor(globalThis.Document?.prototype ?? {}, "cookie")?.get;
  wrap(globalThis.Document?.prototype, "cookie", "set", (native, self, args) => {
    const written = text(args[0]);
    const result = apply(native, self, [written]);
    let visible = null;
    try {
      const name = written.split(";")[0].split("=")[0].trim();
      visible = `; ${apply(readCookies, self, [])}`.includes(`; ${name}=`);
    } catch {
      // A sandboxed document may not read its cookies.
    }
    report({ kind: "cookie", written, visible });
    return result;
  });

  const option = (args) => (args[0] !== null && typeof args[0] === "object" ? args[0] : { name: args[0], value: args[1] });
  const storeReport = (args, removed) => {
    try {
      const { name, value, expires, domain, path, sameSite, partitioned } = option(args);
      report({
        kind: "cookie",
        store: {
          name: text(name ?? ""),
          value: removed ? "" : text(value ?? ""),
          expires: removed ? 0 : expires === undefined || expires === null ? null : Number(expires),
          domain: domain ?? null,
          path: path ?? "/",
          sameSite: sameSite ?? "strict",
          partitioned: partitioned === true,
        },
      });
    } catch {
      // Arguments the native refuses are refused there.
    }
  };
  wrap(globalThis.CookieStore?.prototype, "set", "value", (native, self, args) => {
    storeReport(args, false);
    return apply(native, self, args);
  });
  wrap(globalThis.CookieStore?.prototype, "delete", "value", (native, self, args) => {
    storeReport(args, true);
    return apply(native, self, args);
  });

  const area = (self) => {
    try {
      if (self === globalThis.localStorage) return "local";
      if (self === globalThis.sessionStorage) return "session";
    } catch {
      // Storage is denied to opaque origins.
    }
    return null;
  };
  const storage = globalThis.Storage?.prototype;
  wrap(storage, "setItem", "value", (native, self, args) => {
    const result = apply(native, self, args);
    const where = area(self);
    if (where && args.length > 1) report({ kind: "storage", area: where, key: text(args[0]), value: text(args[1]) });
    return result;
  });
})("CHANNEL");
