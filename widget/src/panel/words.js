/** Fills texts into elements and fills them again when the language changes. */
import { TEXTS, en } from './texts.js';

/** @typedef {import('./texts.js').TextKey} TextKey */
/** @typedef {Record<string, string | number>} Values */

export class Words {
  /** @param {string} locale */
  constructor(locale) {
    this.locale = locale;
    /** @type {Set<() => void>} */
    this.bound = new Set();
  }

  /** @param {TextKey} key @param {Values} [values] */
  t(key, values = {}) {
    const text = (TEXTS[this.locale] ?? en)[key];
    return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
  }

  /** Runs now and at every change of language. @param {() => void} fill */
  bind(fill) {
    this.bound.add(fill);
    fill();
  }

  /**
   * @template {Element} E
   * @param {E} el
   * @param {TextKey} key
   * @param {Values} [values]
   * @returns {E}
   */
  text(el, key, values) {
    this.bind(() => (el.textContent = this.t(key, values)));
    return el;
  }

  /**
   * The accessible name and the tooltip.
   * @template {HTMLElement} E
   * @param {E} el
   * @param {TextKey} key
   * @param {Values} [values]
   * @returns {E}
   */
  label(el, key, values) {
    this.bind(() => {
      el.setAttribute('aria-label', this.t(key, values));
      if (el.localName === 'button') el.title = this.t(key, values);
    });
    return el;
  }

  /** @param {string} locale */
  set(locale) {
    this.locale = locale;
    for (const fill of this.bound) fill();
  }
}
