// The page of a bot's sources: uploads one by one with progress, and rows that follow what the workers do.
(() => {
  "use strict";
  const root = document.getElementById("sources");
  if (!root) return;
  const token = document.querySelector("meta[name=csrf-token]").content;
  const drop = document.getElementById("drop");
  const AT_ONCE = 2;
  const FAST = 2000;
  const queue = [];
  let running = 0, done = 0, bad = 0, all = 0, timer = 0, asking = false;

  // -- what is shown -------------------------------------------------------------------------------------
  const put = (id, html) => { const box = document.getElementById(id); if (box && box.dataset.last !== html) { box.dataset.last = html; box.innerHTML = html; } };
  const known = new Map();

  const showRows = (rows) => {
    const body = document.getElementById("rows");
    const chosen = new Set([...body.querySelectorAll("input:checked")].map((box) => box.value));
    const wanted = new Set(rows.map((row) => `d${row.id}`));
    [...body.children].forEach((row) => { if (!wanted.has(row.id)) row.remove(); });
    rows.forEach((row, n) => {
      let old = document.getElementById(`d${row.id}`);
      if (!old || known.get(row.id) !== row.html) {
        if (old && old.contains(document.activeElement)) { /* the person is on it: next time */ }
        else {
          const holder = document.createElement("template");
          holder.innerHTML = row.html.trim();
          const fresh = holder.content.firstElementChild;
          if (old) old.replaceWith(fresh);
          old = fresh;
          known.set(row.id, row.html);
          const box = fresh.querySelector("input[type=checkbox]");
          if (box) box.checked = chosen.has(box.value);
        }
      }
      if (body.children[n] !== old) body.insertBefore(old, body.children[n] || null);
    });
    document.querySelector("table.documents").hidden = rows.length === 0;
    document.getElementById("no-rows").hidden = rows.length > 0;
  };

  const look = async () => {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    let busy = true;
    try {
      const answer = await fetch(root.dataset.state, { headers: { "X-Requested-With": "XMLHttpRequest" }, credentials: "same-origin" });
      if (answer.status === 401) { window.location.reload(); return; }
      if (answer.ok) {
        const now = await answer.json();
        put("filters", now.filters); put("cards", now.cards); put("pager", now.pager);
        showRows(now.rows);
        busy = now.busy;
      }
    } catch { /* the network is away: ask again */ }
    asking = false;
    if (busy || running || queue.length) timer = setTimeout(look, document.hidden ? FAST * 5 : FAST);
  };

  // -- uploads -------------------------------------------------------------------------------------------
  const says = (row, text, kind) => { const box = row.querySelector(".says"); box.textContent = text; row.className = kind || ""; };

  const sum = () => {
    const text = bad ? drop.dataset.summaryBad : drop.dataset.summary;
    document.getElementById("upload-summary").textContent =
      text.replace("{done}", done).replace("{all}", all).replace("{bad}", bad);
  };

  const next = () => {
    while (running < AT_ONCE && queue.length) send(queue.shift());
    sum();
  };

  const ended = (row, text, good) => {
    row.querySelector("progress").hidden = true;
    if (good) done += 1; else bad += 1;
    says(row, text, good ? "good" : "bad");
  };

  const send = ({ file, name, row }) => {
    running += 1;
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("name", name);
    form.append("file", file, file.name);
    request.open("POST", drop.dataset.url);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    const bar = row.querySelector("progress");
    says(row, drop.dataset.sending, "");
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      bar.value = Math.round(100 * event.loaded / event.total);
      says(row, `${bar.value} %`, "");
    };
    request.onloadend = () => {
      running -= 1;
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not ours */ }
      if (request.status === 200) ended(row, answer.documents ? drop.dataset.done : drop.dataset.same, true);
      else ended(row, (answer.error && answer.error.message) || drop.dataset.failed, false);
      next();
      look();
    };
    request.send(form);
  };

  const add = (files) => {
    if (!files.length) return;
    const list = document.getElementById("upload-list");
    if (!running && !queue.length) { list.replaceChildren(); done = bad = all = 0; }
    document.getElementById("uploads").hidden = false;
    for (const { file, name } of files) {
      const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
      row.querySelector(".name").textContent = name;
      row.querySelector(".name").title = name;
      list.append(row);
      all += 1;
      if (file.size > Number(drop.dataset.max)) ended(row, drop.dataset.tooLarge, false);
      else { says(row, drop.dataset.waiting, ""); queue.push({ file, name, row }); }
    }
    next();
  };

  const chosen = (input) => {
    add([...input.files].filter((file) => !hidden(file.webkitRelativePath || file.name))
      .map((file) => ({ file, name: file.webkitRelativePath || file.name })));
    input.value = "";
  };
  const hidden = (path) => path.split("/").some((part) => part.startsWith(".") || part === "Thumbs.db");

  const readAll = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  const walk = async (entry, found) => {
    if (hidden(entry.name)) return;
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, name: entry.fullPath.replace(/^\//, "") });
      return;
    }
    const reader = entry.createReader();
    for (let part = await readAll(reader); part.length; part = await readAll(reader)) {
      for (const inner of part) await walk(inner, found);
    }
  };

  if (drop) {
    document.getElementById("files").addEventListener("change", (event) => chosen(event.target));
    document.getElementById("folder").addEventListener("change", (event) => chosen(event.target));
    document.getElementById("uploads-close").addEventListener("click", () => { document.getElementById("uploads").hidden = true; });
    let inside = 0;
    drop.addEventListener("dragenter", (event) => { event.preventDefault(); inside += 1; drop.classList.add("over"); });
    drop.addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) { inside = 0; drop.classList.remove("over"); } });
    drop.addEventListener("dragover", (event) => event.preventDefault());
    drop.addEventListener("drop", async (event) => {
      event.preventDefault();
      inside = 0;
      drop.classList.remove("over");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
      const found = [];
      for (const entry of entries) { try { await walk(entry, found); } catch { /* unreadable: left out */ } }
      add(found.length ? found : [...event.dataTransfer.files].map((file) => ({ file, name: file.name })));
    });
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => event.preventDefault());
    window.addEventListener("beforeunload", (event) => { if (running || queue.length) event.preventDefault(); });
  }
  if (root.dataset.busy) timer = setTimeout(look, FAST);
})();
