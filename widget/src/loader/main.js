/**
 * The one script of a page. Until the visitor acts it fetches the bot's config, shows a button and stores nothing;
 * the panel is loaded by the first click or command that needs it.
 */
import { secureEnough } from '../lib/links.js';
import { adopt } from '../lib/styles.js';
import { makeLauncher } from './launcher.js';
import css from './loader.css';
import { ownTag } from './tag.js';
import { labels, pickLocale } from './words.js';

const page = /** @type {any} */ (window);
const tag = ownTag();
const earlier = page.WebChatAgent;
if (tag && !earlier?.version) start(tag);

/** @param {HTMLScriptElement} script */
function start({ src, dataset }) {
  const base = /** @type {string} */ (src.split('/widget/v1/')[0]);
  const place = dataset.mode === 'page' ? document.getElementById('webchatagent-page') : null;
  const bot = dataset.bot || place?.dataset.bot || '';
  /** @type {[name: string, handler: (detail?: unknown) => void][]} */
  let handlers = [];
  /** @type {[string, any[]][]} commands that wait for the panel */
  const held = [];
  /** @type {BotConfig} */
  let config = { id: bot, name: '' };
  /** @type {PanelApi | undefined} */
  let panel;
  /** @type {Promise<void> | undefined} */
  let loading;
  let locale = pickLocale(dataset.locale, document.documentElement.lang);
  let open = false;
  let isReady = false;
  let destroyed = false;
  /** @type {number | string} */
  let mark = 0;

  const element = document.createElement('webchatagent-widget');
  const root = element.attachShadow({ mode: 'open' });
  const launcher = place ? null : makeLauncher(root, () => command('toggle'));
  adopt(root, css);
  command.version = 1;
  page.WebChatAgent = command;
  const ready = boot();
  ready.catch(failed);
  for (const call of earlier?.q ?? []) command(.../** @type {[string]} */ (call));

  async function boot() {
    if (!/^[\w-]+$/.test(bot)) throw Error('no data-bot');
    if (!secureEnough(new URL(base), location)) throw Error('no https');
    await readConfig();
    // A tag without `defer` may run before there is a body; `document.body` may be an image of that name.
    let body;
    while (!(body = place ?? document.querySelector('body'))) await new Promise(requestAnimationFrame);
    if (destroyed) return;
    body.append(element);
    refresh();
    isReady = true;
    emit('ready');
    if (place) loadPanel();
    else invite();
  }

  /** What the tenant set to draw attention. Who cares for the chat, or did before, is left alone. */
  function invite() {
    const { teaser, autoOpen } = config;
    later(teaser, () => launcher?.tease(teaser?.text, labels(config, locale)[3]));
    // Not before the visitor did something on the page, and not over the whole screen of a phone.
    later(innerWidth > 480 && autoOpen, () => addEventListener('scroll', () => loading || command('open', true), { once: true }));
  }

  /** @param {{after: number} | false | null | undefined} rule @param {() => void} act */
  function later(rule, act) {
    if (rule) setTimeout(() => loading || destroyed || talked() || act(), rule.after * 1000);
  }

  function talked() {
    try {
      return localStorage.getItem(`webchatagent:${bot}:session`);
    } catch {
      // Blocked storage: nobody knows.
    }
  }

  /** What the tag's data attributes say wins over the server. @param {RequestCache} [cache] */
  async function readConfig(cache) {
    const answer = await fetch(`${base}/api/bots/${bot}/config`, { credentials: 'omit', cache });
    const body = await answer.json();
    if (!answer.ok) throw Error(body.error?.message);
    config = { ...body, ...dataset };
    locale = pickLocale(config.locale, document.documentElement.lang, navigator.language);
  }

  function refresh() {
    launcher?.show(config, locale, open, mark);
  }

  /** @param {Error} cause */
  function failed(cause) {
    console.warn('WebChatAgent', cause);
    const message = labels(config, locale)[2] ?? '';
    mark = '!';
    refresh();
    if (place) place.textContent = message;
    emit('error', { code: 'not_started', message });
  }

  function loadPanel() {
    launcher?.tease();
    launcher?.set('busy', true);
    loading ??= importPanel().catch((cause) => {
      loading = undefined;
      failed(cause);
    });
    loading.then(() => launcher?.set('busy', false));
  }

  async function importPanel() {
    const load = () => import(`${base}/widget/v1/${/panel\.\w+\.js$/.exec(config.panel ?? '') ?? PANEL_FILE}`);
    // A page that stayed open over an update asks for a file that is gone: a fresh config names the new one.
    const module = await load().catch(() => readConfig('reload').then(load));
    /** @type {Bridge} */
    const bridge = {
      base, bot, root, emit, page: !!place, launcher: launcher?.button ?? null,
      get config() { return config; },
      get locale() { return locale; },
      setOpen(value) {
        open = value;
        mark = 0;
        refresh();
        emit(open ? 'open' : 'close');
      },
      setUnread(count) {
        mark = count;
        refresh();
        emit('unread', { count });
      },
      setLocale(value) {
        locale = pickLocale(value, locale);
        refresh();
      },
    };
    panel = /** @type {PanelApi} */ (module.mount(bridge));
    for (const [name, args] of held.splice(0)) panel.run(name, args);
  }

  /** @param {string} name @param {unknown} [detail] */
  function emit(name, detail) {
    for (const [wanted, handler] of handlers) if (wanted === name) call(handler, detail);
    dispatchEvent(new CustomEvent(`webchatagent:${name}`, { detail }));
  }

  /** A page's broken callback must not break the chat. @param {(detail?: unknown) => void} handler @param {unknown} [detail] */
  function call(handler, detail) {
    try {
      handler(detail);
    } catch (cause) {
      console.error(cause);
    }
  }

  /** The public function `WebChatAgent('command', …)`. @param {string} name @param {...any} args */
  function command(name, ...args) {
    const [first, handler] = args;
    if (name === 'on') {
      handlers.push([first, handler]);
      if (first === 'ready' && isReady) call(handler);
    } else if (name === 'off') handlers = handlers.filter(([wanted, known]) => wanted !== first || (handler && known !== handler));
    else if (name === 'destroy') {
      destroyed = true;
      panel?.run(name, args);
      element.remove();
      delete page.WebChatAgent;
    } else ready.then(() => perform(name, args), () => {});
  }

  /** @param {string} name @param {any[]} args */
  function perform(name, args) {
    if (name === 'show' || name === 'hide') element.hidden = name === 'hide';
    if (name === 'setLocale') locale = pickLocale(args[0], locale);
    if (name === 'update') config = { ...config, ...args[0] };
    refresh();
    if (panel) panel.run(name, args);
    else if (name !== 'close') {
      held.push([name, args]);
      if (/open|toggle|end|reset/.test(name)) loadPanel();
    }
  }
}
