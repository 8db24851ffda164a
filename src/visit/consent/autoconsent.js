// Runs before the rule engine, in the same world of its own. The engine clicks with element.click(),
// which no visitor can do; here every such click is handed to the host, which looks at the button's
// words and then uses the mouse.
((channel) => {
  "use strict";
  const send = globalThis[channel];
  if (typeof send !== "function" || globalThis.autoconsentSendMessage) return;
  globalThis.autoconsentSendMessage = (message) => {
    send(JSON.stringify(message));
    return Promise.resolve();
  };
  const native = HTMLElement.prototype.click;
  globalThis.consentinel.nativeClick = (id) => native.call(globalThis.consentinel.element(id));
  HTMLElement.prototype.click = function click() {
    const { keep, label } = globalThis.consentinel;
    send(JSON.stringify({ type: "hostClick", id: keep(this), text: label(this), tag: this.localName }));
  };
})("CHANNEL");
