// The playground: one question to one version, or to two at once, each answer growing in its own column.
(() => {
  "use strict";
  const form = document.getElementById("playground");
  if (!form) return;
  const token = document.querySelector("meta[name=csrf-token]").content;
  const sides = [...document.querySelectorAll("[data-side]")];
  const trials = document.querySelector(".trials");
  const second = form.querySelector("[data-second]");
  const running = new Map();

  const el = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  const finish = (side, event) => {
    const box = side.querySelector("[data-answer]");
    box.className = "answer bubble";
    box.innerHTML = event.html;
    if (event.refused) box.prepend(el("span", form.dataset.refused, "badge warn"));
    if (event.sources.length) box.append(el("p", `${form.dataset.sources}: ${event.sources.join(" · ")}`, "said-sources"));
    const list = side.querySelector("[data-figures]");
    list.replaceChildren(...event.figures.map(([name, value]) => {
      const pair = el("div");
      pair.append(el("dt", name), el("dd", value));
      return pair;
    }));
    list.hidden = false;
  };

  const fail = (side, text) => {
    const box = side.querySelector("[data-answer]");
    box.className = "answer bubble bad";
    box.textContent = text;
  };

  const take = (side, event) => {
    const box = side.querySelector("[data-answer]");
    if (event.type === "found") side.querySelector("[data-found]").innerHTML = event.html;
    else if (event.type === "delta") { box.textContent += event.delta; }
    else if (event.type === "done") finish(side, event);
    else if (event.type === "error") fail(side, event.message);
    return event.type === "done" || event.type === "error";
  };

  const read = async (side, answer) => {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", ended = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      parts.forEach((part) => { if (part.startsWith("data: ")) ended = take(side, JSON.parse(part.slice(6))) || ended; });
    }
    if (!ended) fail(side, form.dataset.lost);
  };

  const ask = async (side, question) => {
    const before = running.get(side);
    if (before) before.abort();
    const stop = new AbortController();
    running.set(side, stop);
    const box = side.querySelector("[data-answer]");
    box.className = "answer bubble growing waiting";
    box.textContent = "";
    side.querySelector("[data-found]").textContent = "";
    side.querySelector("[data-figures]").hidden = true;
    const body = new URLSearchParams({ csrf_token: token, question, version: side.querySelector("[data-version]").value });
    try {
      const answer = await fetch(form.dataset.ask, { method: "POST", body, headers: { "X-Requested-With": "XMLHttpRequest" }, credentials: "same-origin", signal: stop.signal });
      if (answer.status === 401) { window.location.reload(); return; }
      if (!answer.ok) { fail(side, (await answer.json()).error.message); return; }
      await read(side, answer);
    } catch (error) {
      if (error.name !== "AbortError") fail(side, form.dataset.lost);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = document.getElementById("question").value.trim();
    if (question) sides.filter((side) => !side.hidden).forEach((side) => ask(side, question));
  });
  document.getElementById("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  const both = (on) => {
    sides[1].hidden = !on;
    second.hidden = on;
    trials.classList.toggle("halves", on);
    if (!on && running.get(sides[1])) running.get(sides[1]).abort();
  };
  second.addEventListener("click", () => both(true));
  sides[1].querySelector("[data-close]").addEventListener("click", () => both(false));
})();
