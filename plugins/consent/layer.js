/* Asks once, keeps the answer in this browser, and loads nothing before. `config` and `script` come from outside. */
const KEY = `webchatagent:consent:${config.tenant}`;
const host = `${new URL(script.src).origin}/x/consent/${config.tenant}`;
const { bot, layer: look } = script.dataset;
const lang = [document.documentElement.lang, ...navigator.languages].map((l) => l.slice(0, 2).toLowerCase()).find((l) => config.texts[l]) || 'en';
const t = config.texts[lang];
const listeners = [];
const done = new Set();
let state = read();
let loaded = [];
let box = null;

/** Only what is whole counts; anything else is as if nobody had been asked. */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    if (!/^[\w-]{22,64}$/.test(kept.id) || typeof kept.choices !== 'object') return null;
    const choices = {};
    for (const { name } of config.purposes) {
      const one = Object.hasOwn(kept.choices, name) ? kept.choices[name] : null;
      if (one && typeof one.ok === 'boolean' && typeof one.v === 'string') choices[name] = { ok: one.ok, v: one.v };
    }
    return { id: kept.id, choices, sent: kept.sent === true };
  } catch {
    return null;
  }
}

function save() {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // without storage the answer counts for this page
  }
}

function decided({ name, version }) {
  return state?.choices[name]?.v === version;
}

function granted() {
  return config.purposes.filter((p) => decided(p) && state.choices[p.name].ok === true).map(({ name }) => name);
}

function send() {
  const known = config.purposes.filter(decided);
  if (!bot || !known.length) return Promise.resolve();
  const pairs = (value) => Object.fromEntries(known.map((p) => [p.name, value(p)]));
  const body = JSON.stringify({ id: state.id, choices: pairs((p) => state.choices[p.name].ok), versions: pairs((p) => p.version) });
  // Plain text needs no question before it, which a page that is left would not wait for.
  return fetch(`${host}/choice/${lang}?chatbotId=${encodeURIComponent(bot)}`, { method: 'POST', body, keepalive: true, credentials: 'omit', headers: { 'Content-Type': 'text/plain' } })
    .then(({ ok, status }) => {
      if (ok || status === 409) {
        state.sent = true;
        save();
      }
    })
    .catch(() => {}); // it is sent with the next page
}

/** Removes what the services of refused purposes left in this browser. */
function clean() {
  const yes = granted();
  const keep = config.purposes.filter(({ name }) => yes.includes(name)).flatMap(({ cookies }) => cookies);
  const gone = config.purposes.flatMap(({ cookies }) => cookies).filter((pattern) => !keep.includes(pattern));
  const fits = (name) => gone.some((p) => (p.endsWith('*') ? name.startsWith(p.slice(0, -1)) : name === p));
  const parts = location.hostname.split('.');
  const domains = ['', ...parts.map((_, at) => `; domain=${parts.slice(at).join('.')}`)];
  for (const name of document.cookie.split(';').map((c) => c.split('=')[0].trim()).filter(fits)) {
    for (const domain of domains) document.cookie = `${name}=; Max-Age=0; path=/${domain}`;
  }
  try {
    for (const name of Object.keys(localStorage).filter(fits)) localStorage.removeItem(name);
  } catch {
    // no storage, nothing in it
  }
}

function load() {
  loaded = granted();
  if (loaded.length) add(`${host}/tags/${[...loaded].sort().join('.')}.js`);
}

function add(src) {
  const el = document.createElement('script');
  Object.assign(el, { src, async: true, referrerPolicy: 'strict-origin-when-cross-origin' });
  document.head.append(el);
}

function run(id, settings, work) {
  if (done.has(id) || !loaded.length) return;
  done.add(id);
  const on = (name, heard) => addEventListener(`webchatagent:${name}`, () => heard());
  work(settings, { granted: [...loaded], load: add, on });
}

/** Takes answers for purposes by name; what is not named stays as it was. */
function choose(wanted) {
  const before = loaded;
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  state ??= { id: [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(''), choices: {}, sent: false };
  for (const { name, version } of config.purposes) if (typeof wanted?.[name] === 'boolean') state.choices[name] = { ok: wanted[name], v: version };
  state.sent = false;
  save();
  close();
  const now = granted();
  const sent = send();
  clean();
  for (const tell of listeners) tell(now);
  if (!before.length) load();
  else if (String(before) !== String(now)) {
    // What runs cannot be stopped, and what ran must not run twice: the page begins anew.
    window.dataLayer?.push?.(['consent', 'update', {}]);
    return Promise.race([sent, new Promise((end) => setTimeout(end, 1500))]).then(() => location.reload());
  }
  mark();
  return sent;
}

const all = (ok) => choose(Object.fromEntries(config.purposes.map(({ name }) => [name, ok])));

function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) name in el && name !== 'role' ? (el[name] = value) : el.setAttribute(name, value);
  el.append(...children);
  return el;
}

const css = new CSSStyleSheet();
css.replaceSync(`:host{all:initial}*{box-sizing:border-box}
[role=dialog]{position:fixed;z-index:2147483000;left:1rem;right:1rem;bottom:1rem;max-width:34rem;max-height:calc(100vh - 2rem);overflow:auto;
padding:1.25rem;border-radius:.75rem;background:#fff;color:#1b1b1f;font:1rem/1.5 system-ui,sans-serif;box-shadow:0 .25rem 2rem #0005}
h2{font-size:1.15rem;margin:0 0 .5rem}p{margin:.5rem 0}a{color:#1d4ed8}ul{margin:.25rem 0 .75rem;padding-left:3.25rem}
.row{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin-top:1rem}
button{font:inherit;min-height:2.75rem;padding:.5rem 1rem;border-radius:.5rem;border:2px solid #1b1b1f;background:#fff;color:#1b1b1f;cursor:pointer}
button:focus-visible,summary:focus-visible,input:focus-visible,a:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}
label{display:flex;gap:.6rem;margin:.75rem 0;align-items:flex-start}input{width:1.4rem;height:1.4rem;flex:none;margin:0}
summary{cursor:pointer;min-height:2.75rem;padding:.6rem 0}.small{position:fixed;z-index:2147482999;left:1rem;bottom:1rem;border-width:1px}
@media(max-width:24rem){.row{grid-template-columns:1fr}}`);

function root() {
  const el = document.querySelector('webchatagent-consent') ?? document.body.appendChild(document.createElement('webchatagent-consent'));
  el.lang = lang;
  const shadow = el.shadowRoot ?? el.attachShadow({ mode: 'open' });
  shadow.adoptedStyleSheets = [css];
  return shadow;
}

function close() {
  box?.remove();
  box = null;
}

function open(asked = true) {
  close();
  const boxes = config.purposes.map((p) => {
    const input = h('input', { type: 'checkbox', name: p.name, checked: granted().includes(p.name) });
    const services = p.services.map((s) => h('li', {}, h('a', { href: s.url, target: '_blank', rel: 'noopener noreferrer' }, s.name), ` (${s.by})`));
    return [input, h('div', {}, h('label', {}, input, t[p.name]), h('ul', {}, ...services))];
  });
  const saved = () => choose(Object.fromEntries(boxes.map(([input]) => [input.name, input.checked])));
  box = h('section', { role: 'dialog', tabIndex: -1, 'aria-label': t.title },
    h('h2', {}, t.title), h('p', {}, t.text, ' ', h('a', { href: `${config.privacy}?lang=${lang}`, target: '_blank', rel: 'noopener' }, t.privacy)),
    h('details', { open: asked && !!state }, h('summary', {}, t.choose), ...boxes.map(([, el]) => el), h('button', { type: 'button', onclick: saved }, t.save)),
    h('div', { class: 'row' }, h('button', { type: 'button', onclick: () => all(false) }, t.refuse), h('button', { type: 'button', onclick: () => all(true) }, t.accept)));
  box.addEventListener('keydown', ({ key }) => key === 'Escape' && asked && (close(), mark()));
  root().querySelector('.small')?.remove();
  root().append(box);
  if (asked) box.focus();
}

/** The small button by which a visitor changes their mind, unless the page has a place of its own for that. */
function mark() {
  if (look === 'own' || !config.button || !config.purposes.length || document.querySelector('[data-webchatagent-consent]')) return;
  root().querySelector('.small')?.remove();
  root().append(h('button', { type: 'button', class: 'small', onclick: () => open() }, t.change));
}

/** Content of other sites: a button in its place, and nothing from there before it is pressed. */
function embeds() {
  for (const el of document.querySelectorAll('[data-webchatagent-embed]')) {
    const { webchatagentEmbed: src, name } = el.dataset;
    if (el.childElementCount || !/^https:\/\//.test(src)) continue;
    const from = name || new URL(src).hostname;
    const show = () => el.replaceChildren(h('iframe', { src, title: from, referrerPolicy: 'no-referrer', allowFullscreen: true, width: '100%', height: '315' }));
    el.append(h('p', {}, t.embed.replace('{name}', from)), h('button', { type: 'button', onclick: show }, t.embed_load.replace('{name}', from)));
  }
}

window.WebChatAgentConsent = {
  get: () => granted(),
  asked: () => config.purposes.map(({ name }) => name),
  set: choose,
  accept: () => all(true),
  refuse: () => all(false),
  open: () => open(),
  on: (tell) => (listeners.push(tell), tell(granted())),
  embeds,
  run,
};

function begin() {
  addEventListener('click', (event) => {
    if (event.target.closest?.('[data-webchatagent-consent]')) event.preventDefault(), open();
  });
  embeds();
  // A browser that says no for its user is not asked, and nothing is kept of that.
  const refuses = navigator.globalPrivacyControl === true || ['1', 'yes'].includes(navigator.doNotTrack);
  if (state) clean();
  load();
  if (state && !state.sent) send();
  if (look === 'own') return;
  if (config.purposes.some((p) => !decided(p)) && !(refuses && !state)) open(false);
  else mark();
}

if (document.readyState === 'loading') addEventListener('DOMContentLoaded', begin, { once: true });
else begin();
