/** One answer: its text while it grows, its sources, and what the visitor can do with it. */
import { h, icon } from '../lib/dom.js';
import { CHECK, COPY, THUMB_DOWN, THUMB_UP } from '../lib/icons.js';
import { languageOf } from '../lib/language.js';
import { draw } from '../lib/markdown.js';
import { makePart } from './parts.js';
import { makeSources } from './sources.js';

/**
 * @typedef {import('./parts.js').PartHooks & {rate: (messageId: string, rating: 'up' | 'down') => Promise<unknown>}} AnswerHooks
 */

export class Answer {
  /**
   * @param {import('./words.js').Words} words
   * @param {AnswerHooks} hooks
   */
  constructor(words, hooks) {
    this.words = words;
    this.hooks = hooks;
    this.id = '';
    this.text = '';
    /** @type {ReturnType<typeof makeSources> | null} */
    this.sources = null;
    this.streaming = true;
    this.dots = h('div', { class: 'dots' }, h('i'), h('i'), h('i'));
    this.body = h('div', { class: 'text' });
    // Growing text must not be read word by word: the finished answer is announced once, elsewhere.
    this.el = h('article', { class: 'msg bot', 'aria-live': 'off' }, this.dots, this.body);
    this.timer = 0;
  }

  /** @param {string} text */
  setText(text) {
    this.text = text;
    // Many deltas a second need one redraw only.
    this.timer ||= window.setTimeout(() => this.redraw(), 40);
  }

  redraw() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.dots.hidden = !this.streaming || this.text !== '';
    draw(this.body, this.text, { cite: (n) => this.cite(n) }, `${this.sources ? 's' : ''}${this.streaming ? 'g' : ''}`);
  }

  /** @param {number} n */
  cite(n) {
    if (!this.sources) return this.streaming ? h('sup', {}, h('span', { class: 'cite' }, String(n))) : null;
    if (!this.sources.has(n)) return null;
    const button = h('button', { type: 'button', class: 'cite', onclick: () => this.sources?.reveal(n) }, String(n));
    return h('sup', {}, this.words.label(button, 'source', { n, title: this.sources.title(n) ?? '' }));
  }

  /** @param {Source[]} sources */
  setSources(sources) {
    this.sources?.el.remove();
    this.sources = Array.isArray(sources) && sources.length ? makeSources(sources, this.words) : null;
    if (this.sources) this.body.after(this.sources.el);
    this.redraw();
  }

  /** @param {Part} part */
  addPart(part) {
    const el = makePart(part, this.words, this.hooks);
    if (el) this.el.append(el);
  }

  /** Forgets what was shown: the server sends it again from the beginning. */
  restart() {
    for (const part of this.el.querySelectorAll('.part')) part.remove();
    this.text = '';
    this.setSources([]);
  }

  /** @param {Rating} [rating] as it was given before */
  finish(rating = null) {
    this.streaming = false;
    this.redraw();
    this.body.lang = languageOf(this.text, this.words.locale);
    if (this.text && this.id) this.el.append(this.actions(rating));
  }

  /** The text for a screen reader, and what stands above a form or card: citation numbers would only break the sentences. */
  get spoken() {
    const copy = /** @type {HTMLElement} */ (this.body.cloneNode(true));
    for (const mark of copy.querySelectorAll('sup')) mark.remove();
    for (const block of copy.querySelectorAll('p, li, tr, h3, h4, br')) block.after(' ');
    const parts = [...this.el.querySelectorAll('.part > :is(h4, p)')].map((el) => el.textContent);
    return [copy.textContent?.trim(), ...parts].filter(Boolean).join(' ');
  }

  /** @param {'stopped'} key */
  note(key) {
    this.streaming = false;
    this.redraw();
    this.el.append(this.words.text(h('p', { class: 'note' }), key));
  }

  /** @param {Rating} given */
  actions(given) {
    const { words, hooks } = this;
    const copy = words.label(h('button', { type: 'button', class: 'act', onclick: () => this.copy(copy) }, icon(COPY)), 'copy');
    /** @param {'up' | 'down'} rating */
    const thumb = (rating) => {
      const button = h('button', { type: 'button', class: 'act', 'aria-pressed': String(given === rating), onclick: () => choose(rating) }, icon(rating === 'up' ? THUMB_UP : THUMB_DOWN));
      return words.label(button, rating === 'up' ? 'good' : 'bad');
    };
    const thumbs = { up: thumb('up'), down: thumb('down') };
    /** @param {Rating} rating */
    const show = (rating) => {
      thumbs.up.setAttribute('aria-pressed', String(rating === 'up'));
      thumbs.down.setAttribute('aria-pressed', String(rating === 'down'));
    };
    /** @param {'up' | 'down'} rating */
    const choose = async (rating) => {
      const before = given;
      show((given = rating));
      try {
        await hooks.rate(this.id, rating);
        hooks.announce(words.t('thanks'));
      } catch {
        show((given = before));
        hooks.announce(words.t('feedbackFailed'));
      }
    };
    // Browsers offer the clipboard on encrypted pages only.
    return h('div', { class: 'acts' }, navigator.clipboard ? copy : null, thumbs.up, thumbs.down);
  }

  /** @param {HTMLButtonElement} button */
  async copy(button) {
    await navigator.clipboard?.writeText(this.text).then(
      () => {
        button.replaceChildren(icon(CHECK));
        this.hooks.announce(this.words.t('copied'));
        setTimeout(() => button.replaceChildren(icon(COPY)), 1600);
      },
      () => {},
    );
  }
}
