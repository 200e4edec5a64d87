// Inside the frame of the preview: starts the real widget, and answers its calls with an example. Nothing leaves the frame.
(() => {
  "use strict";
  const { loader, start } = document.body.dataset;
  const { config, greetings, example } = JSON.parse(start);
  let mode = "start", ended = false, drawn = "", timer = 0;
  const texts = () => example[config.locale] || example.en;
  const sources = () => [{ n: 1, type: "file", title: texts().source, excerpt: texts().excerpt }];
  const json = (value) => new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json" } });

  // The widget asks its storage whether there was a conversation: the example is one. Nothing is kept on the device.
  Object.defineProperty(window, "localStorage", { value: {
    getItem: () => (mode === "answer" && !ended ? "example-conversation" : null),
    setItem: () => {},
    removeItem: () => { ended = true; },
  } });

  const history = () => ({ messages: [
    { id: "1", role: "visitor", text: texts().question },
    { id: "2", role: "bot", text: texts().answer, sources: sources() },
  ] });
  window.fetch = async (address) => {
    const path = String(address).split("/api/")[1] || "";
    if (path.endsWith("/config")) return json(config);
    if (path === "chat/history") return json(history());
    if (path === "chat") return json({ reply: texts().answer, sources: sources(), messageId: "3" });
    return json({});
  };

  const run = () => {
    if (typeof window.WebChatAgent === "function") window.WebChatAgent("destroy");
    ended = false;
    window.WebChatAgent = { q: mode === "button" ? [] : [["open", true]] };
    document.querySelectorAll("script[data-bot]").forEach((old) => old.remove());
    const tag = document.createElement("script");
    tag.src = loader;
    tag.dataset.bot = "preview";
    document.body.append(tag);
  };

  const greeting = (text, name) => text || Object.fromEntries(
    Object.entries(greetings).map(([locale, usual]) => [locale, usual.replace("{name}", () => name)]));

  // What only shows at the start of the widget starts it anew; the rest is handed to the running one.
  const show = ({ values, mode: wanted, locale }) => {
    mode = wanted;
    config.locale = locale;
    if (values) {
      const { teaser, ...look } = values;
      Object.assign(config, look, { greeting: greeting(look.greeting, look.name), teaser: teaser ? { text: teaser, after: 0 } : null });
    } else if (config.teaser) config.teaser.after = 0;
    const now = JSON.stringify([mode, locale, mode === "button" && config.teaser]);
    if (now !== drawn) {
      drawn = now;
      clearTimeout(timer);
      timer = setTimeout(run, 120);
    } else if (typeof window.WebChatAgent === "function") window.WebChatAgent("update", config);
  };

  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.origin === window.location.origin && event.data && event.data.preview) show(event.data.preview);
  });
  window.parent.postMessage({ preview: "ready" }, window.location.origin);
})();
