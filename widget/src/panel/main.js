/** The panel's life: opening, turns, resuming, ending, and the page's commands. */
import { Api, ChatError } from '../lib/api.js';
import { Session } from '../lib/session.js';
import { Answer } from './answer.js';
import { Composer } from './composer.js';
import { isPhone } from './focus.js';
import { Log } from './log.js';
import { askToErase, makeMenu } from './menu.js';
import { showMyData } from './mydata.js';
import { makeShell } from './shell.js';
import { makeTheme } from './theme.js';
import { explain, runTurn } from './turn.js';
import { Words } from './words.js';

/** @param {Bridge} bridge @returns {PanelApi} */
export function mount(bridge) {
  return new Panel(bridge);
}

class Panel {
  /** @param {Bridge} bridge */
  constructor(bridge) {
    this.bridge = bridge;
    this.session = new Session(bridge.bot);
    this.api = new Api(bridge.base, this.session);
    this.words = new Words(bridge.locale);
    this.open = false;
    this.unread = 0;
    /** @type {AbortController | null} */
    this.running = null;
    /** @type {Promise<void> | null} */
    this.resumed = null;
    /** @type {Record<string, unknown>} */
    this.context = {};
    /** @type {Record<string, string>} */
    this.identity = {};
    /** @type {HTMLElement | null} */
    this.opener = null;

    const { words } = this;
    this.log = new Log(words, () => bridge.config, (text) => this.send(text));
    this.composer = new Composer(words, { send: (text) => this.send(text), stop: () => this.running?.abort(), limit: () => bridge.config.maxMessage || 4000 });
    this.menu = makeMenu(words, bridge, {
      end: () => this.end(false),
      erase: () => this.askErase(),
      mine: () => this.showMine(),
      language: (locale) => this.setLocale(locale),
      active: () => this.session.id !== null || this.log.started,
    });
    const parts = { log: this.log.el, composer: this.composer.el, menuButton: this.menu.button, menu: this.menu.menu };
    this.shell = makeShell(bridge, words, parts, { minimise: () => this.hide(), close: () => this.closeByVisitor(), escape: () => this.escape() });
    this.theme = makeTheme(this.shell.frame, () => bridge.config);
    this.shell.frame.addEventListener('pointerdown', (event) => {
      const path = event.composedPath();
      if (!path.includes(this.menu.menu) && !path.includes(this.menu.button)) this.menu.close();
    });
    this.onStorage = (/** @type {StorageEvent} */ event) => {
      // The chat was ended in another tab.
      if (event.key === this.session.key && event.newValue === null) this.log.clear();
    };
    window.addEventListener('storage', this.onStorage);
    if (bridge.page) this.show();
  }

  /** @param {string} command @param {any[]} args */
  run(command, args) {
    const [first] = args;
    if (command === 'open') this.show(first === true);
    else if (command === 'close') this.hide();
    else if (command === 'toggle') this.open ? this.hide() : this.show();
    else if (command === 'send') this.show(), this.send(String(first ?? ''));
    else if (command === 'prefill') this.composer.set(String(first ?? ''));
    else if (command === 'end') this.end(first?.erase === true);
    else if (command === 'reset') this.end(false, true);
    else if (command === 'setLocale') this.setLocale(this.bridge.locale);
    else if (command === 'setContext') this.context = { ...this.context, ...first };
    else if (command === 'identify') this.identify(first);
    else if (command === 'consent') this.bridge.emit('consent', first);
    else if (command === 'update') this.refresh();
    else if (command === 'destroy') this.destroy();
  }

  /** What the page knows about the visitor fills the fields of forms; it is sent with them and never by itself. @param {any} known */
  identify(known) {
    for (const name of ['name', 'email', 'phone', 'company']) if (typeof known?.[name] === 'string') this.identity[name] = known[name];
    this.identity.tel = this.identity.phone ?? '';
  }

  /** @param {boolean} [quiet] opened by itself: the visitor goes on with what they do */
  show(quiet = false) {
    if (this.open) return;
    this.open = true;
    this.unread = 0;
    const active = document.activeElement;
    this.opener = active instanceof HTMLElement && active !== document.body && active !== this.bridge.root.host ? active : null;
    this.shell.show();
    this.bridge.setUnread(0);
    this.bridge.setOpen(true);
    this.composer.refresh();
    // On a phone the focus rests on the panel: focusing the field would raise the keyboard over the greeting.
    if (quiet) this.shell.announce(this.words.t('panel', { name: this.bridge.config.name }));
    else if (!isPhone()) this.composer.input.focus({ preventScroll: true });
    else this.shell.frame.focus({ preventScroll: true });
    this.log.follow(true);
    this.resumed ??= this.resume();
  }

  hide() {
    if (!this.open || this.bridge.page) return;
    this.open = false;
    this.menu.close();
    this.shell.frame.hidden = true;
    this.bridge.setOpen(false);
    (this.opener?.isConnected ? this.opener : this.bridge.launcher)?.focus({ preventScroll: true });
  }

  escape() {
    if (!this.menu.close(true)) this.hide();
  }

  closeByVisitor() {
    const how = this.bridge.config.closeBehaviour;
    this.hide();
    if (how === 'end' || how === 'end_and_erase') this.end(how === 'end_and_erase', true);
  }

  /** Shows the conversation so far; without a session there is nothing to ask for. */
  async resume() {
    if (!this.session.id) return;
    const messages = await this.api.history().catch((cause) => {
      const { text } = explain(cause, this.words);
      this.log.addError(text, () => (this.resumed = this.resume()));
      return [];
    });
    for (const message of messages) {
      if (message.role === 'visitor') this.log.addVisitor(message.text);
      else {
        const answer = this.newAnswer();
        answer.id = message.id;
        answer.text = message.text;
        if (message.sources?.length) answer.setSources(message.sources);
        for (const part of message.parts ?? []) answer.addPart(part);
        answer.finish(message.rating);
      }
    }
    this.log.follow(true);
  }

  newAnswer() {
    const answer = new Answer(this.words, {
      rate: (id, rating) => this.api.feedback(id, rating),
      say: (text) => this.send(text),
      announce: (text) => this.shell.announce(text),
      post: (path, body) => this.api.post(path, { chatbotId: this.bridge.bot, ...body }),
      explain: (cause) => explain(cause, this.words).text,
      known: (name) => String(this.identity[name] ?? ''),
      emit: (name, detail) => this.bridge.emit(name, detail),
    });
    answer.el.setAttribute('aria-label', this.bridge.config.name);
    this.log.add(answer.el);
    return answer;
  }

  /** @param {string} text */
  async send(text) {
    const message = text.trim();
    if (!message || this.running) return;
    this.running = new AbortController();
    this.composer.setBusy(true);
    // The earlier messages belong above this one, but a slow server must not hold it back for long.
    await Promise.race([this.resumed, new Promise((resolve) => setTimeout(resolve, 5000))]);
    this.log.addVisitor(message);
    this.bridge.emit('message:user', { text: message });
    this.composer.input.focus({ preventScroll: true });
    await this.turn({ message, chatbotId: this.bridge.bot, pageUrl: this.pageUrl(), clientMessageId: newId() });
  }

  /** Without query and fragment: those often hold what is nobody else's business. */
  pageUrl() {
    return String(this.context.pageUrl ?? location.origin + location.pathname).slice(0, 2000);
  }

  /** @param {ChatBody} body */
  async turn(body) {
    const { words, shell, log, bridge } = this;
    const running = (this.running ??= new AbortController());
    const before = this.session.id;
    const answer = this.newAnswer();
    this.composer.setBusy(true);
    shell.announce(words.t('writing'));
    try {
      const done = await runTurn(this.api, body, answer, running.signal, {
        changed: () => (shell.setStatus(''), setTimeout(() => log.follow(), 50)),
        restarting: () => (shell.setStatus(words.t('reconnecting')), shell.announce(words.t('reconnecting'))),
      });
      answer.finish();
      if (!answer.el.querySelector('.text > *, .part')) answer.el.remove();
      this.finished(answer, done);
    } catch (cause) {
      if (running.signal.aborted) this.running === running && answer.note('stopped');
      else this.failed(cause, answer, body);
    } finally {
      if (this.session.id && this.session.id !== before) bridge.emit('session:start');
      if (this.running === running) {
        this.running = null;
        this.composer.setBusy(false);
        if (running.signal.aborted) shell.setStatus('');
      }
      log.follow();
    }
  }

  /** @param {Answer} answer @param {Extract<ChatEvent, {type: 'done'}>} done */
  finished(answer, done) {
    const human = done.mode === 'human';
    this.shell.setStatus(human ? this.words.t('human') : '');
    if (human) this.bridge.emit('handoff', { status: done.status ?? null });
    this.shell.announce(answer.spoken || (human ? this.words.t('human') : ''));
    this.bridge.emit('message:bot', { id: answer.id, text: answer.text, refused: done.refused === true });
    if (!this.open) this.bridge.setUnread(++this.unread);
  }

  /** @param {unknown} cause @param {Answer} answer @param {ChatBody} body */
  failed(cause, answer, body) {
    const { text, code, again } = explain(cause, this.words);
    answer.el.remove();
    this.shell.setStatus('');
    // The same id again: the server goes on with that answer or returns it, and never writes two.
    this.log.addError(text, again ? () => (this.composer.input.focus(), this.running || this.turn(body)) : null);
    this.bridge.emit('error', { code, message: text });
    if (!(cause instanceof ChatError)) console.error(cause);
  }

  async askErase() {
    if (await askToErase(this.shell.frame, this.words)) await this.end(true);
  }

  /** What is kept on the visitor, and their rights; a conversation that is not to be used any more is not shown either. */
  async showMine() {
    const wish = await showMyData(this.shell.frame, this.words, this.api);
    if (wish === 'changed') this.log.clear();
    if (wish !== 'erase' || !(await askToErase(this.shell.frame, this.words))) return;
    await this.api.post('/api/me/requests', { kind: 'erase' }).catch(() => null); // what failed is done by the end below
    await this.end(true);
  }

  /** @param {boolean} erase @param {boolean} [quiet] starts afresh without a word */
  async end(erase, quiet = false) {
    const { words, shell, log } = this;
    this.running?.abort();
    this.running = null;
    this.composer.setBusy(false);
    if (this.session.id) {
      try {
        await this.api.end(erase);
      } catch (cause) {
        // An erasure that did not arrive keeps the id, or nobody could ask for it again.
        const unknown = cause instanceof ChatError && [404, 410].includes(cause.status);
        if (erase && !unknown) {
          log.addError(words.t('errEnd'), () => this.end(erase, quiet));
          return;
        }
      }
    }
    this.session.clear();
    shell.setStatus('');
    log.clear();
    const note = words.t(erase ? 'erased' : 'ended');
    if (!quiet) log.addNote(note);
    if (this.open && !quiet) this.composer.input.focus({ preventScroll: true });
    this.bridge.emit('session:end', { erase });
  }

  /** @param {string} locale */
  setLocale(locale) {
    this.bridge.setLocale(locale);
    this.words.set(this.bridge.locale);
  }

  refresh() {
    this.theme.apply();
    this.shell.refresh();
    this.log.greet();
  }

  destroy() {
    this.running?.abort();
    this.theme.stop();
    this.shell.destroy();
    window.removeEventListener('storage', this.onStorage);
  }
}

/** A random id; pages without https outside this machine have no randomUUID. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
