// Small helpers of every page: rows that open, confirmations, copying, closing notes and menus.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const dialog = document.getElementById("confirm");
  let waiting = null;

  const ask = (text, yes, go) => {
    if (!dialog || !dialog.showModal) { if (window.confirm(text)) go(); return; }
    document.getElementById("confirm-text").textContent = text;
    const button = dialog.querySelector("button[value=yes]");
    button.textContent = yes || button.dataset.usual;
    waiting = go;
    dialog.showModal();
  };
  if (dialog) {
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button && event.target !== dialog) return;
      dialog.close();
      const go = waiting;
      waiting = null;
      if (button && button.value === "yes" && go) go();
    });
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const form = event.target;
    const one = button && button.dataset.one;
    const text = (button && button.dataset.confirm) || form.dataset.confirm;
    const send = () => {
      if (one) {
        form.querySelectorAll("input[type=checkbox]").forEach((box) => { box.checked = box.value === one; });
      }
      if (button && button.name) {
        const field = document.createElement("input");
        field.type = "hidden"; field.name = button.name; field.value = button.value;
        form.append(field);
      }
      form.submit();
    };
    const yes = (button && button.dataset.yes) || form.dataset.yes;
    if (text) { event.preventDefault(); ask(text, yes, send); return; }
    if (one) { event.preventDefault(); send(); return; }
    if (form.method === "post") setTimeout(() => form.querySelectorAll("button").forEach((b) => { b.disabled = true; }), 0);
  });

  document.addEventListener("click", (event) => {
    const target = event.target;
    const dismiss = target.closest("[data-dismiss]");
    if (dismiss) { dismiss.closest(".note").remove(); return; }
    const copy = target.closest("[data-copy]");
    if (copy) { copyFrom(copy); return; }
    document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
    const row = target.closest("[data-href]");
    if (row && !target.closest("a, button, input, label, summary") && !String(window.getSelection())) {
      if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
      else window.location.assign(row.dataset.href);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
    const nav = document.getElementById("nav-open");
    if (nav) nav.checked = false;
  });

  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-all]");
    if (all) {
      all.closest("table").querySelectorAll("tbody input[type=checkbox]").forEach((box) => { box.checked = all.checked; });
    }
    if (event.target.matches("[data-submit]")) { event.target.form.requestSubmit(); return; }
    const form = event.target.closest("form");
    const bar = form && form.querySelector(".chosen");
    if (bar) showChosen(form, bar);
  });

  const showChosen = (form, bar) => {
    const n = form.querySelectorAll("tbody input[type=checkbox]:checked").length;
    const says = bar.querySelector("[data-many]");
    says.textContent = says.dataset.many.replace("{n}", n);
    bar.hidden = n === 0;
  };

  const copyFrom = async (button) => {
    const code = document.getElementById(button.dataset.copy);
    const says = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      if (!document.execCommand("copy")) return;
      selection.removeAllRanges();
    }
    const before = says.textContent;
    says.textContent = button.dataset.done;
    setTimeout(() => { says.textContent = before; }, 1600);
  };
})();
