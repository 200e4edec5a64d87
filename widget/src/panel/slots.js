/** Times to choose from, by day. One tab stop; the arrow keys move between the times, Home and End to the ends. */
import { h } from '../lib/dom.js';
import { list, words } from './parts.js';

/** How far a key moves. @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/**
 * The days of a part with their times; a time says its value as the visitor's message.
 * @param {Part} part
 * @param {import('./words.js').Words} texts
 * @param {(text: string) => void} say
 */
export function makeSlots(part, texts, say) {
  /** @type {HTMLButtonElement[]} */
  const all = [];
  const days = list(part.days).map(({ label, slots }) => {
    const times = list(slots).map(makeTime).filter((time) => time !== null);
    return times.length ? h('div', { class: 'day', role: 'group', 'aria-label': words(label) }, h('h5', {}, words(label)), h('div', { class: 'times' }, ...times)) : null;
  });
  all.forEach((button, index) => (button.tabIndex = index ? -1 : 0));
  return h('div', { class: 'slots', onkeydown: move }, ...days.filter((day) => day !== null));

  /** @param {{label?: unknown, value?: unknown, at?: unknown}} slot */
  function makeTime({ label, value, at }) {
    const name = words(label);
    const said = words(value);
    if (!name || !said) return null;
    const own = ownTime(words(at), words(part.zone), texts.locale);
    const note = own ? h('small', {}, texts.t('yourTime', { time: own })) : '';
    const button = /** @type {HTMLButtonElement} */ (h('button', { type: 'button', class: 'chip', 'aria-pressed': 'false', onclick: () => choose(button, said) }, h('span', {}, name), note));
    all.push(button);
    return button;
  }

  /** @param {HTMLButtonElement} button @param {string} said */
  function choose(button, said) {
    for (const other of all) other.setAttribute('aria-pressed', String(other === button));
    focusOn(button);
    say(said);
  }

  /** @param {HTMLButtonElement} button */
  function focusOn(button) {
    for (const other of all) other.tabIndex = other === button ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  function move(event) {
    const step = STEPS[event.key];
    const from = all.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    if (!step || from < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const to = /** @type {HTMLButtonElement} */ (all[Math.max(0, Math.min(all.length - 1, from + step))]);
    focusOn(to);
    to.focus();
  }
}

/**
 * The time on the visitor's own clock, when it differs from the calendar's; else nothing.
 * @param {string} at @param {string} zone @param {string} locale @param {string} [own] the visitor's zone
 */
export function ownTime(at, zone, locale, own) {
  const moment = new Date(at);
  if (!zone || Number.isNaN(moment.getTime())) return '';
  try {
    /** @param {string} [timeZone] @returns {string} */
    const clock = (timeZone) => new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(moment);
    if (clock(zone) === clock(own)) return '';
    return new Intl.DateTimeFormat(locale, { timeZone: own, weekday: 'short', hour: '2-digit', minute: '2-digit' }).format(moment);
  } catch {
    return ''; // a zone or a locale that this browser does not know
  }
}
