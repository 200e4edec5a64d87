/** The list of messages: greeting, both sides, notes and errors; follows the newest unless the visitor scrolled up. */
import { h, icon } from '../lib/dom.js';
import { ALERT, ARROW, DOWN, RETRY } from '../lib/icons.js';
import { languageOf } from '../lib/language.js';
import { localised } from '../lib/localised.js';
import { draw } from '../lib/markdown.js';

/** @typedef {import('./words.js').TextKey} TextKey */

export class Log {
  /**
   * @param {import('./words.js').Words} words
   * @param {() => BotConfig} config
   * @param {(text: string) => void} say
   */
  constructor(words, config, say) {
    this.words = words;
    this.config = config;
    this.say = say;
    this.list = h('div', { class: 'list', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions' });
    words.label(this.list, 'messages');
    this.welcome = h('div', { class: 'welcome' });
    this.scroller = h('div', { class: 'scroll', tabindex: -1 }, this.welcome, this.list);
    this.jump = h('button', { type: 'button', class: 'jump', onclick: () => this.toEnd() }, icon(DOWN));
    words.label(this.jump, 'latest');
    this.jump.hidden = true;
    this.el = h('div', { class: 'middle' }, this.scroller, this.jump);
    this.near = true;
    this.scroller.addEventListener('scroll', () => this.measure(), { passive: true });
    words.bind(() => this.greet());
  }

  /** The welcome is drawn again when language or config change; its questions leave with the first message. */
  greet() {
    const { config, words } = this;
    const locale = words.locale;
    const greeting = h('div', { class: 'greeting' });
    const text = localised(config().greeting, locale) || words.t('greeting');
    draw(greeting, text, { cite: () => null });
    greeting.lang = languageOf(text, locale);
    const questions = h('ul', { class: 'suggestions' });
    questions.setAttribute('aria-label', words.t('suggestions'));
    const offered = localised(config().suggestions, locale);
    for (const question of Array.isArray(offered) ? offered.slice(0, 6) : []) {
      const button = h('button', { type: 'button', lang: languageOf(question, locale), onclick: () => this.say(question) }, h('span', {}, question), icon(ARROW));
      questions.append(h('li', {}, button));
    }
    this.welcome.replaceChildren(greeting);
    if (questions.childElementCount && !this.started) this.welcome.append(questions);
    this.welcome.classList.toggle('big', !this.started);
  }

  get started() {
    return this.list.querySelector('.msg') !== null;
  }

  /** @param {HTMLElement} el */
  add(el) {
    const first = !this.started;
    this.list.append(el);
    if (first && this.started) this.greet();
    this.follow();
  }

  /** @param {string} text */
  addVisitor(text) {
    const name = this.words.text(h('span', { class: 'sr' }), 'you');
    const el = h('article', { class: 'msg me' }, name, h('div', { class: 'text', lang: languageOf(text, this.words.locale) }, text));
    this.add(el);
    this.follow(true);
  }

  /** @param {string} text */
  addNote(text) {
    this.add(h('p', { class: 'note center' }, text));
  }

  /**
   * @param {string} text
   * @param {(() => void) | null} retry
   */
  addError(text, retry) {
    const el = h('div', { class: 'msg error' }, icon(ALERT), h('p', {}, text));
    if (retry) {
      const again = () => (el.remove(), retry());
      el.append(h('button', { type: 'button', class: 'chip', onclick: again }, icon(RETRY), this.words.text(h('span'), 'retry')));
    }
    this.add(el);
    return el;
  }

  /**
   * Keeps the newest text in sight, but never pushes the question out: a long answer is read from its beginning.
   * @param {boolean} [always] also when the visitor has scrolled up
   */
  follow(always = false) {
    if (!always && !this.near) {
      this.jump.hidden = false;
      return;
    }
    const questions = /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll('.me'));
    const question = questions[questions.length - 1];
    const end = this.scroller.scrollHeight - this.scroller.clientHeight;
    this.scroller.scrollTop = question ? Math.min(end, question.offsetTop - 14) : end;
    this.measure();
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  measure() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.near = scrollHeight - scrollTop - clientHeight < 60;
    this.jump.hidden = this.near;
  }

  clear() {
    this.list.replaceChildren();
    this.near = true;
    this.greet();
  }
}
