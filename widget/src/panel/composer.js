/** Where the visitor writes: grows with the text, Enter sends, a running answer can be stopped. */
import { h, icon } from '../lib/dom.js';
import { SEND, STOP } from '../lib/icons.js';

const TALLEST = 148;

export class Composer {
  /**
   * @param {import('./words.js').Words} words
   * @param {{send: (text: string) => void, stop: () => void, limit: () => number}} hooks
   */
  constructor(words, hooks) {
    this.words = words;
    this.hooks = hooks;
    this.busy = false;
    this.input = h('textarea', { rows: 1, enterkeyhint: 'send', autocomplete: 'off', 'aria-describedby': 'wca-count', oninput: () => this.refresh() });
    this.input.addEventListener('keydown', (event) => this.key(event));
    this.button = h('button', { type: 'submit', class: 'send' }, icon(SEND, 'i-send'), icon(STOP, 'i-stop'));
    this.count = h('p', { class: 'count', id: 'wca-count', role: 'status' });
    this.el = h('form', { class: 'composer', onsubmit: (/** @type {Event} */ event) => this.submit(event) }, h('div', { class: 'box' }, this.input, this.button), this.count);
    words.label(this.input, 'message');
    words.bind(() => {
      this.input.placeholder = words.t('placeholder');
      this.refresh();
    });
  }

  get text() {
    return this.input.value.trim();
  }

  /** @param {string} text */
  set(text) {
    this.input.value = text;
    this.refresh();
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.busy = busy;
    this.refresh();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    // While an input method composes, Enter picks a word (229: browsers that do not say so otherwise).
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!this.busy) this.submit(event);
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    if (this.busy) return this.hooks.stop();
    const { text } = this;
    if (!text || [...text].length > this.hooks.limit()) return;
    this.set('');
    this.hooks.send(text);
  }

  refresh() {
    const { input, button, words } = this;
    const count = [...this.text].length;
    const max = this.hooks.limit();
    const over = count > max;
    input.style.height = 'auto';
    if (input.scrollHeight) input.style.height = `${Math.min(input.scrollHeight, TALLEST)}px`;
    const label = words.t(this.busy ? 'stop' : 'send');
    button.setAttribute('aria-label', label);
    button.title = label;
    button.classList.toggle('busy', this.busy);
    button.disabled = !this.busy && (!count || over);
    input.setAttribute('aria-invalid', String(over));
    const notice = over ? words.t('tooLong', { count, max }) : count > max * 0.9 ? words.t('left', { count: max - count }) : '';
    if (this.count.textContent !== notice) this.count.textContent = notice;
    this.count.classList.toggle('over', over);
  }
}
