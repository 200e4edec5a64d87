/** The menu behind the three dots, and the question before messages are deleted. */
import { h, icon } from '../lib/dom.js';
import { MORE, OUT } from '../lib/icons.js';
import { safeUrl } from '../lib/links.js';
import { trapTab } from './focus.js';
import { LANGUAGES } from './texts.js';

/**
 * @param {import('./words.js').Words} words
 * @param {Bridge} bridge
 * @param {{end: () => void, erase: () => void, mine: () => void, language: (locale: string) => void, active: () => boolean}} hooks
 */
export function makeMenu(words, bridge, hooks) {
  const button = h('button', { type: 'button', class: 'tool', 'aria-expanded': 'false', 'aria-controls': 'wca-menu', onclick: () => (menu.hidden ? open() : close(true)) }, icon(MORE, 'i-more'));
  const menu = h('div', { class: 'menu', id: 'wca-menu', role: 'group' });
  menu.hidden = true;
  words.label(button, 'menu');
  words.label(menu, 'menu');
  words.bind(() => menu.hidden || fill());

  /** @param {'endChat' | 'endErase' | 'myData'} key @param {() => void} act @param {string} [style] */
  function item(key, act, style = '') {
    const run = () => (close(true), act());
    return words.text(h('button', { type: 'button', class: `item ${style}`, onclick: run }), key);
  }

  /** @param {'privacy' | 'imprint'} key @param {string | undefined} address */
  function legal(key, address) {
    const href = legalUrl(bridge, address, words.locale);
    if (!href) return null;
    const a = words.text(h('a', { class: 'item', href, target: '_blank', rel: 'noopener' }), key);
    a.append(icon(OUT));
    return a;
  }

  function fill() {
    const choices = (Array.isArray(bridge.config.locales) ? bridge.config.locales : Object.keys(LANGUAGES)).filter((locale) => LANGUAGES[locale]);
    const languages = choices.map((locale) =>
      h('button', { type: 'button', class: 'lang', lang: locale, 'data-locale': locale, 'aria-pressed': String(locale === words.locale), onclick: () => choose(locale) }, LANGUAGES[locale]));
    /** @type {(HTMLElement | null)[]} */
    const parts = [
      ...(hooks.active() ? [item('endChat', hooks.end), item('endErase', hooks.erase, 'danger'), item('myData', hooks.mine), h('hr')] : []),
      legal('privacy', bridge.config.privacyUrl),
      legal('imprint', bridge.config.imprintUrl),
    ];
    if (languages.length > 1) {
      const group = h('div', { class: 'langs', role: 'group', 'aria-label': words.t('language') }, ...languages);
      parts.push(h('p', { class: 'head', 'aria-hidden': 'true' }, words.t('language')), group);
    }
    menu.replaceChildren(.../** @type {HTMLElement[]} */ (parts.filter(Boolean)));
  }

  /** @param {string} locale */
  function choose(locale) {
    hooks.language(locale);
    /** @type {HTMLElement | null} */ (menu.querySelector(`[data-locale="${locale}"]`))?.focus();
  }

  function open() {
    fill();
    menu.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    /** @type {HTMLElement | null} */ (menu.querySelector('button, a'))?.focus();
  }

  /** @param {boolean} [focus] */
  function close(focus) {
    if (menu.hidden) return false;
    menu.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (focus) button.focus();
    return true;
  }

  return { button, menu, close };
}

/**
 * A legal page in the visitor's language: relative addresses belong to the platform.
 * @param {Bridge} bridge
 * @param {string | undefined} address
 * @param {string} locale
 */
export function legalUrl(bridge, address, locale) {
  if (!address) return null;
  const href = safeUrl(address.startsWith('/') ? bridge.base + address : address);
  if (!href || !href.startsWith(bridge.base)) return href;
  const url = new URL(href);
  url.searchParams.set('lang', locale);
  return url.href;
}

/**
 * Asks inside the panel; resolves to the visitor's decision. The rest of the panel rests meanwhile.
 * @param {HTMLElement} panel
 * @param {import('./words.js').Words} words
 * @returns {Promise<boolean>}
 */
export function askToErase(panel, words) {
  return new Promise((resolve) => {
    const rest = /** @type {HTMLElement[]} */ ([...panel.children]);
    const yes = h('button', { type: 'button', class: 'btn danger', onclick: () => done(true) }, words.t('eraseYes'));
    const no = h('button', { type: 'button', class: 'btn', onclick: () => done(false) }, words.t('cancel'));
    const card = h('div', { class: 'ask', role: 'alertdialog', 'aria-modal': 'true', 'aria-labelledby': 'wca-ask', 'aria-describedby': 'wca-why' },
      h('h2', { id: 'wca-ask' }, words.t('eraseTitle')), h('p', { id: 'wca-why' }, words.t('eraseText')), h('div', { class: 'row' }, no, yes));
    const veil = h('div', { class: 'veil' }, card);
    const before = /** @type {HTMLElement | null} */ (/** @type {ShadowRoot} */ (panel.getRootNode()).activeElement);
    card.addEventListener('keydown', (event) => {
      trapTab(event, card);
      if (event.key === 'Escape') done(false);
      event.stopPropagation();
    });
    for (const el of rest) el.inert = true;
    panel.append(veil);
    no.focus();

    /** @param {boolean} decision */
    function done(decision) {
      for (const el of rest) el.inert = false;
      veil.remove();
      before?.focus();
      resolve(decision);
    }
  });
}
