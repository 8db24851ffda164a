// Reports who writes cookies and storage, and who reads what fingerprints are made of. Runs before
// the first line of every document and worker, with the inspector's command line API.
//
// Nothing is wrapped and nothing is added to the global object: the natives get breakpoints whose
// condition calls CHANNEL and is never true. CHANNEL is a lexical name, which no script can list, and
// it speaks through a console of its own, which only the browser hears, with the stack of the call.
//
// Once the page runs, its code may have replaced every global and every method. So what runs later
// uses only what was taken here, and never touches an object of the page in a way it could notice.
const CHANNEL = ((name) => {
  "use strict";
  const say = console.context(name).debug;
  const { apply, getOwnPropertyDescriptor } = Reflect;
  const { stringify } = JSON;
  const later = globalThis.queueMicrotask;
  const stopAt = debug;
  const stopNoMoreAt = undebug;
  const LONGEST = 16384;
  /** Most reports of one kind from one document: a page that floods us must not drown itself. */
  const MOST = 3000;
  const MOST_READS = 400;

  const method = (owner, property) => {
    const native = owner?.[property];
    return (self, ...args) => apply(native, self, args);
  };
  const getter = (owner, property) => {
    const native = owner && getOwnPropertyDescriptor(owner, property)?.get;
    return (self) => {
      try {
        return native ? apply(native, self, []) : undefined;
      } catch {
        return undefined;
      }
    };
  };
  const slice = method(String.prototype, "slice");
  const indexOf = method(String.prototype, "indexOf");
  const trim = method(String.prototype, "trim");
  const origin = getter(globalThis, "origin");
  const isKept = method(WeakMap.prototype, "has");
  const kept = method(WeakMap.prototype, "get");
  const keep = method(WeakMap.prototype, "set");
  /** Names of the interfaces whose prototypes are watched. */
  const shapes = new WeakMap();
  const prototype = (constructor) => {
    const shape = globalThis[constructor]?.prototype;
    if (shape) keep(shapes, shape, constructor);
    return shape;
  };

  /** Text of a primitive. Objects are left alone: asking them for their text could be noticed. */
  const text = (value, longest = LONGEST) => {
    const kind = typeof value;
    if (kind !== "string" && kind !== "number" && kind !== "boolean" && value !== null) return "";
    const whole = `${value}`;
    return whole.length > longest ? slice(whole, 0, longest) : whole;
  };
  const number = (value) => (typeof value === "number" ? value : 0);
  const before = (whole, mark) => {
    const end = indexOf(whole, mark);
    return end < 0 ? whole : slice(whole, 0, end);
  };

  const counts = { __proto__: null };
  const report = (kind, data, most = MOST) => {
    const count = (counts[kind] = (counts[kind] ?? 0) + 1);
    if (count > most) {
      if (count === most + 1 && most === MOST) say(stringify({ __proto__: null, kind: "overflow", of: kind }));
      return;
    }
    data.kind ??= kind;
    data.origin = origin(globalThis);
    say(stringify(data));
  };

  // A breakpoint stands in every document of the target, with the condition the first of them gave it:
  // so a native has the same key in all of them.
  const handlers = { __proto__: null };
  const watch = (owner, property, part, handle) => {
    const native = owner && getOwnPropertyDescriptor(owner, property)?.[part];
    if (typeof native !== "function") return;
    const key = `${kept(shapes, owner)}.${property}`;
    handlers[key] = handle;
    stopAt(native, `${name}("${key}",this,arguments)`);
  };
  // The browser does not stop at natives of a document made after the first one with the same
  // breakpoint, until it is told of a breakpoint it does not know yet.
  const settle = () => {
    const native = globalThis.EventTarget?.prototype.dispatchEvent;
    stopAt(native, "false");
    stopNoMoreAt(native);
  };

  // Cookies. Whether the browser took one is known only after the call: when the next one is
  // written, or when the script has ended.
  const readCookies = getter(prototype("Document"), "cookie");
  let written = 0;
  let open = null;
  const look = () => {
    if (open === null) return;
    const { id, cookie, self } = open;
    open = null;
    const cookies = readCookies(self);
    const visible = cookies === undefined ? null : indexOf(`; ${cookies}`, `; ${cookie}=`) >= 0;
    report("cookie-visible", { __proto__: null, id, visible });
  };
  watch(prototype("Document"), "cookie", "set", (self, args) => {
    look();
    const line = text(args[0]);
    const id = ++written;
    report("cookie", { __proto__: null, id, written: line });
    open = { __proto__: null, id, self, cookie: trim(before(before(line, ";"), "=")) };
    later(look);
  });
  const own = (object, property) => {
    const value = getOwnPropertyDescriptor(object, property)?.value;
    return value === undefined ? null : value;
  };
  const inStore = (removed) => (self, args) => {
    const options = args[0];
    const named = options !== null && typeof options === "object";
    const of = (property) => (named ? own(options, property) : null);
    const time = (value) => (removed ? 0 : typeof value === "number" ? value : null);
    const partitioned = of("partitioned") === true;
    const domain = of("domain");
    report("cookie", {
      __proto__: null,
      store: {
        __proto__: null,
        name: text(named ? of("name") : args[0]),
        value: removed ? "" : text(named ? of("value") : args[1]),
        expires: time(of("expires")),
        maxAge: time(of("maxAge")),
        domain: domain === null ? null : text(domain),
        path: text(of("path") ?? "/"),
        sameSite: text(of("sameSite") ?? "strict"),
        partitioned,
      },
    });
  };
  watch(prototype("CookieStore"), "set", "value", inStore(false));
  watch(prototype("CookieStore"), "delete", "value", inStore(true));

  const localArea = getter(globalThis, "localStorage");
  const sessionArea = getter(globalThis, "sessionStorage");
  watch(prototype("Storage"), "setItem", "value", (self, args) => {
    const area = self === localArea(globalThis) ? "local" : self === sessionArea(globalThis) ? "session" : null;
    if (area && args.length > 1) {
      report("storage", { __proto__: null, area, key: text(args[0]), value: text(args[1]) });
    }
  });

  const databaseName = getter(prototype("IDBDatabase"), "name");
  const storeName = getter(prototype("IDBObjectStore"), "name");
  const transaction = getter(prototype("IDBObjectStore"), "transaction");
  const database = getter(prototype("IDBTransaction"), "db");
  // What can only be done to a database or a cache that was opened is watched once one is.
  const databases = (operation, described) => (self, args) =>
    report("indexed-db", { __proto__: null, operation, ...described(self, args) });
  const stores = (operation) =>
    databases(operation, (self) => (
      { __proto__: null, name: text(databaseName(database(transaction(self)))), store: text(storeName(self)) }
    ));
  const databaseShape = prototype("IDBDatabase");
  const storeShape = prototype("IDBObjectStore");
  const factoryShape = prototype("IDBFactory");
  const byName = (self, args) => ({ __proto__: null, name: text(args[0]) });
  let databasesOpened = false;
  const opened = databases("open", byName);
  watch(factoryShape, "open", "value", (self, args) => {
    opened(self, args);
    if (databasesOpened) return;
    databasesOpened = true;
    watch(factoryShape, "deleteDatabase", "value", databases("deleteDatabase", byName));
    watch(databaseShape, "createObjectStore", "value", databases("createObjectStore", (self, args) => (
      { __proto__: null, name: text(databaseName(self)), store: text(args[0]) }
    )));
    watch(storeShape, "put", "value", stores("put"));
    watch(storeShape, "add", "value", stores("add"));
    settle();
  });
  const cacheShape = prototype("CacheStorage");
  const caches = (operation) => (self, args) => report("cache-storage", { __proto__: null, operation, name: text(args[0]) });
  let cachesOpened = false;
  const cacheOpened = caches("open");
  watch(cacheShape, "open", "value", (self, args) => {
    cacheOpened(self, args);
    if (cachesOpened) return;
    cachesOpened = true;
    watch(cacheShape, "delete", "value", caches("CacheStorage.delete"));
    settle();
  });
  watch(prototype("ServiceWorkerContainer"), "register", "value", (self, args) => {
    const scope = args[1] !== null && typeof args[1] === "object" ? text(own(args[1], "scope") ?? "") : "";
    report("service-worker", { __proto__: null, operation: "register", name: scope, value: text(args[0]) });
  });
  for (const operation of ["set", "append"]) {
    watch(prototype("SharedStorage"), operation, "value", (self, args) =>
      report("shared-storage", { __proto__: null, operation, name: text(args[0]), value: text(args[1]) }),
    );
  }

  // A request that is sent when the page is left has no listener to be found by.
  keep(shapes, globalThis, "globalThis");
  watch(globalThis, "fetchLater", "value", () => report("fetch-later", { __proto__: null }));

  // What fingerprints are made of. The many natives of canvas and WebGL are watched from the moment
  // a script takes the first step towards them.
  const read = (api, detail) => {
    detail.kind = "read";
    detail.api = api;
    report(`read ${api}`, detail, MOST_READS);
  };
  const reading = (owner, properties, part, described) => {
    for (let index = 0; index < properties.length; index += 1) {
      const api = properties[index][0];
      watch(owner, properties[index][1], part, (self, args) => read(api, described ? described(self, args) : { __proto__: null }));
    }
  };
  const canvases = new WeakMap();
  let canvasCount = 0;
  const canvasNumber = (canvas) => {
    if (canvas === null || typeof canvas !== "object") return 0;
    if (!isKept(canvases, canvas)) keep(canvases, canvas, (canvasCount += 1));
    return kept(canvases, canvas);
  };
  const canvasKinds = [];
  for (const [canvas, context] of [["HTMLCanvasElement", "CanvasRenderingContext2D"], ["OffscreenCanvas", "OffscreenCanvasRenderingContext2D"]]) {
    const shape = prototype(canvas);
    if (!shape) continue;
    const [width, height] = [getter(shape, "width"), getter(shape, "height")];
    const sized = (self) => ({ __proto__: null, canvas: canvasNumber(self), width: number(width(self)), height: number(height(self)) });
    const drawing = prototype(context);
    const [canvasOf, style, font] = [getter(drawing, "canvas"), getter(drawing, "fillStyle"), getter(drawing, "font")];
    canvasKinds[canvasKinds.length] = () => {
      reading(drawing, [["canvas.fillText", "fillText"], ["canvas.strokeText", "strokeText"]], "value", (self, args) => {
        const detail = sized(canvasOf(self));
        detail.text = text(args[0], 64);
        detail.style = text(style(self) ?? "", 32);
        return detail;
      });
      reading(drawing, [["canvas.measureText", "measureText"]], "value", (self) => ({ __proto__: null, font: text(font(self) ?? "", 96) }));
      reading(drawing, [["canvas.save", "save"], ["canvas.restore", "restore"]], "value", (self) => sized(canvasOf(self)));
      reading(drawing, [["canvas.getImageData", "getImageData"]], "value", (self, args) => ({
        __proto__: null, canvas: canvasNumber(canvasOf(self)), width: number(args[2]), height: number(args[3]),
      }));
      reading(shape, [["canvas.toDataURL", "toDataURL"], ["canvas.toBlob", "toBlob"], ["canvas.toBlob", "convertToBlob"]], "value", sized);
    };
  }
  const gl = [prototype("WebGLRenderingContext"), prototype("WebGL2RenderingContext")];
  let drawn = false;
  let rendered = false;
  const firstStep = (self, args) => {
    const kind = text(args[0], 20);
    if (kind === "2d" && !drawn) {
      drawn = true;
      for (let index = 0; index < canvasKinds.length; index += 1) canvasKinds[index]();
      settle();
    } else if (indexOf(kind, "webgl") >= 0 && !rendered) {
      rendered = true;
      for (let index = 0; index < gl.length; index += 1) {
        reading(gl[index], [
          ["webgl.getParameter", "getParameter"], ["webgl.getExtension", "getExtension"],
          ["webgl.getSupportedExtensions", "getSupportedExtensions"],
          ["webgl.getShaderPrecisionFormat", "getShaderPrecisionFormat"], ["webgl.readPixels", "readPixels"],
        ], "value", (self, args) => ({ __proto__: null, argument: text(args[0] ?? "", 48) }));
      }
      settle();
    }
  };
  watch(prototype("HTMLCanvasElement"), "getContext", "value", firstStep);
  watch(prototype("OffscreenCanvas"), "getContext", "value", firstStep);
  const audio = prototype("AudioBuffer");
  const connection = prototype("RTCPeerConnection");
  let rendering = false;
  watch(prototype("OfflineAudioContext"), "startRendering", "value", () => {
    read("audio.startRendering", { __proto__: null });
    if (rendering) return;
    rendering = true;
    reading(audio, [["audio.getChannelData", "getChannelData"]], "value");
    settle();
  });
  let connecting = false;
  watch(connection, "createDataChannel", "value", () => {
    read("webrtc.createDataChannel", { __proto__: null });
    if (connecting) return;
    connecting = true;
    reading(connection, [["webrtc.createOffer", "createOffer"]], "value");
    settle();
  });
  reading(prototype("NavigatorUAData"), [["client-hints.getHighEntropyValues", "getHighEntropyValues"]], "value");
  reading(prototype("Navigator"), [["battery.getBattery", "getBattery"]], "value");
  reading(prototype("FontFaceSet"), [["fonts.check", "check"]], "value", (self, args) => ({ __proto__: null, font: text(args[0], 96) }));
  reading(prototype("MediaDevices"), [["media.enumerateDevices", "enumerateDevices"]], "value");
  reading(prototype("Sensor"), [["sensor.start", "start"]], "value");
  settle();

  return (key, self, args) => {
    try {
      handlers[key](self, args);
    } catch {
      // What the native refuses is refused there.
    }
    return false;
  };
})("CHANNEL");
