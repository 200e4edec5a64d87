// The preview beside the form of a bot: tells the frame what was typed, before it is saved.
(() => {
  "use strict";
  const box = document.querySelector("[data-preview]");
  if (!box) return;
  const frame = box.querySelector("iframe");
  const form = document.querySelector("form.settings");
  const [mode, locale, device] = ["mode", "locale", "device"].map((name) => box.querySelector(`[data-${name}]`));
  const SHOWN_IN = { teaser: "button", teaser_seconds: "button", greeting: "start", suggestions: "start" };

  const values = () => {
    const typed = (name) => form.elements[name].value.trim();
    return {
      name: typed("name"), greeting: typed("greeting"), teaser: typed("teaser"),
      accent: typed("accent"), theme: typed("theme"), position: typed("position"), closeBehaviour: typed("close_behaviour"),
      suggestions: typed("suggestions").split("\n").map((line) => line.trim()).filter(Boolean).slice(0, 4),
    };
  };
  const tell = () => frame.contentWindow.postMessage(
    { preview: { mode: mode.value, locale: locale.value, values: form ? values() : null } }, window.location.origin);

  window.addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.origin === window.location.origin && event.data.preview === "ready") tell();
  });
  box.addEventListener("change", () => {
    box.classList.toggle("phone", device.value === "phone");
    tell();
  });
  if (form) {
    form.addEventListener("input", (event) => {
      if (event.target.name === "locale") locale.value = event.target.value;
      tell();
    });
    form.addEventListener("focusin", (event) => {
      const wanted = SHOWN_IN[event.target.name];
      if (wanted && wanted !== mode.value) { mode.value = wanted; tell(); }
    });
  }
  tell(); // when the frame was faster; a message to one that is not there yet is lost, and it asks
})();
