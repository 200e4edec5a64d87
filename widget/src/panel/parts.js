/** What a plugin puts under an answer: buttons, a card, a form. Everything is text until it stands in a node. */
import { ChatError } from '../lib/api.js';
import { h, icon } from '../lib/dom.js';
import { ALERT, CHECK, CLOSE, OUT } from '../lib/icons.js';
import { languageOf } from '../lib/language.js';
import { safeUrl } from '../lib/links.js';
import { makeForm } from './form.js';
import { makeSlots } from './slots.js';

/**
 * @typedef {object} PartHooks
 * @property {(text: string) => void} say sends a text as the visitor's message
 * @property {(path: string, body: object) => Promise<any>} post to the platform
 * @property {(cause: unknown) => string} explain a failure in the visitor's language
 * @property {(text: string) => void} announce
 * @property {(name: string) => string} known what the page told about the visitor
 * @property {(name: string, detail?: unknown) => void} emit
 */

/** What stands before the outcome of an action. @type {Record<string, string>} */
const OUTCOMES = { declined: CLOSE, failed: ALERT, expired: ALERT };
const OVER = ['action_expired', 'action_not_found'];
const FRAMED = ['card', 'form', 'action', 'slots'];

/** Only the platform's own addresses: a part must not send what somebody writes to anywhere else. @param {unknown} path */
export const ownPath = (path) => (typeof path === 'string' && /^\/(api|x)\/[\w./-]+$/.test(path) && !path.includes('..') ? path : null);

/** @param {unknown} value */
export const words = (value) => (typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 4000) : '');

/** @param {unknown} value @returns {any[]} */
export const list = (value) => (Array.isArray(value) ? value.filter((item) => item && typeof item === 'object').slice(0, 30) : []);

/**
 * One part, or null when there is nothing in it to show. A kind that nobody knows shows its text and buttons.
 * @param {Part} part
 * @param {import('./words.js').Words} texts
 * @param {PartHooks} hooks
 */
export function makePart(part, texts, hooks) {
  /** The button that had the focus when it was pressed: a disabled one loses it. @type {HTMLElement | null} */
  let held = null;
  let lead = 0; // the first button that does something is the one to press
  const title = words(part?.title);
  const group = ['action', 'slots'].includes(part?.type ?? '') ? { role: 'group', 'aria-label': title } : {};
  const box = h('div', { class: `part ${FRAMED.includes(part?.type ?? '') ? 'card' : ''}`, ...group });
  const text = words(part?.text);
  if (title) box.append(h('h4', {}, title));
  if (text) box.append(h('p', {}, text));
  const rows = list(part?.rows).map(({ label, value }) => h('div', {}, h('dt', {}, words(label)), h('dd', {}, words(value))));
  if (rows.length) box.append(h('dl', {}, ...rows));
  const done = words(part?.done);
  if (done) box.append(settled(done, part?.state));
  else if (part?.type === 'form') box.append(makeForm(part, texts, hooks, (answer) => settle(answer)));
  else if (part?.type === 'slots') box.append(makeSlots(part, texts, hooks.say));
  const buttons = done ? [] : list(part?.buttons).map((button) => makeButton(button)).filter(Boolean);
  if (buttons.length) box.append(h('div', { class: 'row' }, .../** @type {HTMLElement[]} */ (buttons)));
  box.lang = languageOf(box.textContent ?? '', texts.locale);
  return box.childElementCount ? box : null;

  /** @param {string} line @param {unknown} [state] */
  function settled(line, state) {
    const drawn = OUTCOMES[String(state)];
    return h('p', { class: `done ${drawn ? 'not' : ''}`, tabindex: '-1' }, icon(drawn ?? CHECK), h('span', {}, line));
  }

  /** What was to be done is done, or is over: what asked for it makes room for the answer. @param {unknown} answer @param {unknown} [state] */
  function settle(answer, state) {
    const line = words(answer) || texts.t('sent');
    for (const el of box.querySelectorAll('form, .row, .wrong')) el.remove();
    const outcome = settled(line, state);
    box.append(outcome);
    if (held) outcome.focus({ preventScroll: true }); // the button that had the focus is gone
    hooks.announce(line);
    if (OUTCOMES[String(state)]) return;
    if (part.event === 'lead' || part.event === 'booking') hooks.emit(part.event, { id: part.id ?? null });
  }

  /** @param {{label?: unknown, value?: unknown, url?: unknown, action?: unknown}} button */
  function makeButton({ label, value, url, action }) {
    const href = typeof url === 'string' ? safeUrl(url) : null;
    const name = words(label) || href;
    const path = ownPath(action);
    if (!name) return null;
    if (href) return h('a', { class: 'chip', href, target: '_blank', rel: 'noopener noreferrer nofollow' }, name, icon(OUT));
    if (url || (action && !path)) return null;
    const act = path ? () => press(path) : () => hooks.say(words(value) || name);
    return h('button', { type: 'button', class: path && !lead++ ? 'chip go' : 'chip', onclick: act }, name);
  }

  /** @param {string} path */
  async function press(path) {
    const all = /** @type {NodeListOf<HTMLButtonElement>} */ (box.querySelectorAll('.row button'));
    held = [...all].find((button) => button.matches(':focus')) ?? null;
    for (const button of all) button.disabled = true;
    box.querySelector('.wrong')?.remove();
    try {
      const { message, state } = await hooks.post(path, {});
      settle(message, state);
    } catch (cause) {
      if (cause instanceof ChatError && OVER.includes(cause.code)) return settle(hooks.explain(cause), 'expired');
      for (const button of all) button.disabled = false;
      held?.focus({ preventScroll: true });
      box.append(h('p', { class: 'wrong', role: 'alert' }, cause instanceof ChatError ? hooks.explain(cause) : texts.t('errGeneric')));
    }
  }
}
