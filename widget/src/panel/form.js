/** A form under an answer: checked here in the visitor's language, and once more by the server. */
import { ChatError } from '../lib/api.js';
import { h } from '../lib/dom.js';
import { safeUrl } from '../lib/links.js';
import { list, ownPath, words } from './parts.js';

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/;
/** What the browser may fill in by itself. @type {Record<string, string>} */
const FILLED = { name: 'name', email: 'email', phone: 'tel', tel: 'tel', company: 'organization' };
let serial = 0;

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {HTMLElement} el with label, control and message
 * @property {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} control
 * @property {() => string | boolean} value
 * @property {(message: string) => void} mark as wrong, or with an empty message as right
 * @property {() => import('./words.js').TextKey | ''} problem
 */

/**
 * @param {Part} part
 * @param {import('./words.js').Words} texts
 * @param {import('./parts.js').PartHooks} hooks
 * @param {(answer: unknown) => void} settle
 */
export function makeForm(part, texts, hooks, settle) {
  const fields = list(part.fields).filter(({ name }) => typeof name === 'string' && /^[A-Za-z]\w*$/.test(name)).map((field) => makeField(field, texts, hooks));
  const button = h('button', { type: 'submit', class: 'btn go' }, words(part.submit) || texts.t('sendForm'));
  const wrong = h('p', { class: 'wrong', role: 'alert' });
  const form = h('form', { novalidate: true, onsubmit: submit }, ...fields.map(({ el }) => el), wrong, button);
  return form;

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    if (button.disabled) return;
    wrong.textContent = '';
    for (const field of fields) {
      const key = field.problem();
      field.mark(key && texts.t(key));
    }
    const first = fields.find(({ problem }) => problem());
    if (first) return first.control.focus();
    const path = ownPath(part.action);
    const values = Object.fromEntries(fields.map(({ name, value }) => [name, value()]));
    if (!path) return settle(hooks.say(fields.map(({ el, value }) => `${el.querySelector('.label')?.textContent}: ${value()}`).join('\n')));
    button.disabled = true;
    try {
      settle((await hooks.post(path, values)).message);
    } catch (cause) {
      failed(cause);
    } finally {
      button.disabled = false;
    }
  }

  /** @param {unknown} cause */
  function failed(cause) {
    const field = cause instanceof ChatError ? fields.find(({ name }) => name === cause.field) : null;
    if (field && cause instanceof ChatError) {
      field.mark(cause.message || texts.t('wrongField'));
      field.control.focus();
    } else wrong.textContent = hooks.explain(cause);
  }
}

/**
 * @param {{name: string, label?: unknown, type?: unknown, required?: unknown, options?: unknown, maxLength?: unknown, url?: unknown, hint?: unknown}} field
 * @param {import('./words.js').Words} texts
 * @param {import('./parts.js').PartHooks} hooks
 * @returns {Field}
 */
function makeField(field, texts, hooks) {
  const id = `wca-field-${(serial += 1)}`;
  const { name } = field;
  const type = words(field.type) || 'text';
  const needed = field.required === true;
  const label = words(field.label) || name;
  const limit = Math.min(Number(field.maxLength) || 1000, 4000);
  const common = { id, name, 'aria-required': String(needed), 'aria-describedby': `${id}-e` };
  const control = make();
  const message = h('p', { class: 'wrong', id: `${id}-e` });
  const caption = h('span', { class: 'label' }, label);
  const optional = needed || type === 'checkbox' ? null : h('span', { class: 'optional' }, ` ${texts.t('optional')}`);
  const more = type === 'checkbox' && typeof field.url === 'string' ? safeUrl(field.url) : null;
  const link = more ? h('a', { href: more, target: '_blank', rel: 'noopener noreferrer' }, texts.t('privacy')) : null;
  const el = type === 'checkbox'
    ? h('div', { class: 'field check' }, h('label', { for: id }, control, caption), link, message)
    : h('div', { class: 'field' }, h('label', { for: id }, h('span', {}, caption, optional)), control, message);
  control.addEventListener('input', () => mark(''));
  return { name, el, control, value, mark, problem };

  function make() {
    if (type === 'checkbox') return h('input', { ...common, type: 'checkbox' });
    if (type === 'select') {
      const options = (Array.isArray(field.options) ? field.options : []).slice(0, 100).map((option) => (option && typeof option === 'object' ? option : { label: option, value: option }));
      return h('select', common, h('option', { value: '' }, texts.t('choose')), ...options.map((option) => h('option', { value: words(option.value ?? option.label) }, words(option.label ?? option.value))));
    }
    const known = hooks.known(name) || hooks.known(type);
    if (type === 'textarea') return h('textarea', { ...common, rows: 3, maxlength: limit });
    const kind = ['email', 'tel', 'date', 'time', 'number'].includes(type) ? type : 'text';
    return h('input', { ...common, type: kind, maxlength: limit, value: known.slice(0, limit), autocomplete: FILLED[name] ?? FILLED[type] ?? 'on' });
  }

  function value() {
    return control instanceof HTMLInputElement && control.type === 'checkbox' ? control.checked : control.value.trim();
  }

  /** @param {string} text */
  function mark(text) {
    message.textContent = text;
    control.setAttribute('aria-invalid', String(text !== ''));
  }

  function problem() {
    const given = value();
    if (needed && !given) return type === 'checkbox' ? 'mustAgree' : type === 'select' ? 'mustChoose' : 'mustFill';
    return type === 'email' && given && !EMAIL.test(String(given)) ? 'wrongEmail' : '';
  }
}
