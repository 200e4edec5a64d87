/**
 * The one script of a page. Until the visitor acts it fetches the bot's config, shows a button and stores nothing;
 * the panel is loaded by the first click or command that needs it.
 */
import { h } from '../lib/dom.js';
import { secureEnough } from '../lib/links.js';
import { makeLauncher } from './launcher.js';
import { bodyReady, chosenLocale, ownTag } from './page.js';
import { WORDS, pickLocale } from './words.js';

const NEEDS_PANEL = /^(open|toggle|send|end|reset)$/;
/** @typedef {(...args: any[]) => void} Handler */

const page = /** @type {any} */ (window);
const tag = ownTag();
const earlier = page.WebChatAgent;
if (tag && !earlier?.version) start(tag);

/** @param {HTMLScriptElement} script */
function start(script) {
  const base = script.src.split('/widget/v1/')[0] ?? '';
  const wanted = script.dataset;
  const place = wanted.mode === 'page' ? document.getElementById('webchatagent-page') : null;
  const bot = wanted.bot || place?.dataset.bot || '';
  /** @type {Record<string, Set<Handler>>} */
  const handlers = Object.create(null);
  /** @type {[string, any[]][]} */
  const held = [];
  /** @type {BotConfig} */
  let config = { id: bot, name: '' };
  /** @type {PanelApi | null} */
  let panel = null;
  /** @type {Promise<PanelApi> | null} */
  let loading = null;
  let locale = pickLocale(wanted.locale, document.documentElement.lang);
  let hidden = false;
  let isReady = false;

  const element = h(/** @type {'div'} */ ('webchatagent-widget'));
  const root = element.attachShadow({ mode: 'open' });
  const launcher = place ? null : makeLauncher(root, () => command('toggle'));

  page.WebChatAgent = Object.assign(command, { version: 1 });
  const ready = boot();
  ready.catch((/** @type {Error} */ cause) => {
    console.warn(`WebChatAgent: ${cause.message}`);
    emit('error', { code: 'not_started', message: cause.message });
    if (place) place.textContent = WORDS[locale]?.[4] ?? '';
  });
  for (const call of Array.isArray(earlier?.q) ? earlier.q : []) command(.../** @type {[string]} */ (Array.from(call)));

  async function boot() {
    if (!/^[\w-]{1,64}$/.test(bot)) throw new Error('data-bot is missing');
    if (!secureEnough(new URL(base), location)) throw new Error('the chat server must use https');
    await Promise.all([readConfig(), bodyReady()]);
    element.hidden = hidden;
    (place ?? document.body).append(element);
    refresh();
    launcher?.tease(config, locale);
    isReady = true;
    emit('ready');
    if (place) loadPanel().catch(() => (place.textContent = WORDS[locale]?.[4] ?? ''));
  }

  /** @param {RequestCache} [cache] */
  async function readConfig(cache) {
    const answer = await fetch(`${base}/api/bots/${bot}/config`, { credentials: 'omit', cache });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body?.error?.message || `config: ${answer.status}`);
    config = { ...body, ...pick(wanted, ['theme', 'position', 'accent']) };
    locale = pickLocale(chosenLocale(bot), wanted.locale, config.locale, document.documentElement.lang, navigator.language);
  }

  function refresh() {
    launcher?.show(config, locale);
  }

  function loadPanel() {
    launcher?.button.setAttribute('aria-busy', 'true');
    loading ??= importPanel()
      .then((made) => {
        panel = made;
        for (const [name, args] of held.splice(0)) made.run(name, args);
        return made;
      })
      .catch((cause) => {
        loading = null;
        emit('error', { code: 'panel_not_loaded', message: WORDS[locale]?.[4] });
        if (launcher) launcher.button.title = WORDS[locale]?.[4] ?? '';
        throw cause;
      })
      .finally(() => launcher?.button.removeAttribute('aria-busy'));
    return loading;
  }

  async function importPanel() {
    const address = () => `${base}/widget/v1/${/\/(panel\.[\w-]+\.js)$/.exec(config.panel ?? '')?.[1] ?? PANEL_FILE}`;
    const module = await import(address()).catch(async () => {
      // A page that stayed open over an update asks for a file that is gone: the fresh config names the new one.
      await readConfig('reload');
      return import(address());
    });
    /** @type {Bridge} */
    const bridge = {
      base, bot, root, emit, page: !!place, launcher: launcher?.button ?? null,
      get config() { return config; },
      get locale() { return locale; },
      setOpen(open) {
        launcher?.setOpen(open);
        refresh();
        emit(open ? 'open' : 'close');
      },
      setUnread(count) {
        launcher?.setUnread(count);
        refresh();
        if (count) emit('unread', { count });
      },
      setLocale(value, remember) {
        locale = pickLocale(value, locale);
        try {
          if (remember) localStorage.setItem(`webchatagent:${bot}:locale`, locale);
        } catch {
          // Kept for this page only.
        }
        refresh();
      },
    };
    return /** @type {PanelApi} */ (module.mount(bridge));
  }

  /** @param {string} name @param {unknown} [detail] */
  function emit(name, detail) {
    for (const handler of handlers[name] ?? []) call(handler, detail);
    window.dispatchEvent(new CustomEvent(`webchatagent:${name}`, { detail }));
  }

  /** A page's broken callback must not break the chat. @param {Handler} handler @param {unknown} [detail] */
  function call(handler, detail) {
    try {
      handler(detail);
    } catch (cause) {
      console.error(cause);
    }
  }

  /** The public function `WebChatAgent('command', …)`. @param {string} name @param {...any} args */
  function command(name, ...args) {
    if (name === 'on' && typeof args[1] === 'function') {
      (handlers[args[0]] ??= new Set()).add(args[1]);
      if (args[0] === 'ready' && isReady) call(args[1]);
    } else if (name === 'off') {
      if (args[1]) handlers[args[0]]?.delete(args[1]);
      else delete handlers[args[0]];
    } else if (name === 'destroy') {
      panel?.run(name, args);
      element.remove();
      delete page.WebChatAgent;
      hidden = true;
    } else ready.then(() => perform(name, args), () => {});
  }

  /** @param {string} name @param {any[]} args */
  function perform(name, args) {
    if (name === 'show' || name === 'hide') element.hidden = hidden = name === 'hide';
    else if (name === 'setLocale') locale = pickLocale(args[0], locale);
    else if (name === 'update') config = { ...config, ...args[0] };
    refresh();
    if (panel) panel.run(name, args);
    else if (NEEDS_PANEL.test(name)) {
      held.push([name, args]);
      loadPanel().catch(() => {});
    } else if (name !== 'close') held.push([name, args]);
  }

  /** @param {DOMStringMap} from @param {string[]} names */
  function pick(from, names) {
    return Object.fromEntries(names.filter((name) => from[name]).map((name) => [name, from[name]]));
  }
}
