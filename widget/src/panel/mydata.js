/** "My data": what is kept on the visitor, a copy to take along, and the rights that take one click. */
import { h } from '../lib/dom.js';
import { trapTab } from './focus.js';

/**
 * Shows it inside the panel; the rest of the panel rests meanwhile. Resolves when it is closed: `erase` when the visitor
 * wants everything deleted, `changed` when something was changed.
 * @param {HTMLElement} panel
 * @param {import('./words.js').Words} words
 * @param {import('../lib/api.js').Api} api
 * @returns {Promise<'erase' | 'changed' | ''>}
 */
export function showMyData(panel, words, api) {
  return new Promise((resolve) => {
    const rest = /** @type {HTMLElement[]} */ ([...panel.children]);
    const before = /** @type {HTMLElement | null} */ (/** @type {ShadowRoot} */ (panel.getRootNode()).activeElement);
    /** @type {'changed' | ''} */
    let outcome = '';
    const body = h('div', { class: 'mine', 'aria-live': 'polite' }, h('p', {}, words.t('myDataLoading')));
    const done = h('button', { type: 'button', class: 'btn', onclick: () => close(outcome) }, words.t('myDataClose'));
    const card = h('div', { class: 'ask', role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': 'wca-mine' },
      h('h2', { id: 'wca-mine' }, words.t('myData')), body, h('div', { class: 'row' }, done));
    const veil = h('div', { class: 'veil' }, card);
    card.addEventListener('keydown', (event) => {
      trapTab(event, card);
      if (event.key === 'Escape') close(outcome);
      event.stopPropagation();
    });
    for (const el of rest) el.inert = true;
    panel.append(veil);
    done.focus();
    load();

    async function load() {
      try {
        fill(await (await api.call(`/api/me?lang=${words.locale}`)).json());
      } catch {
        body.replaceChildren(h('p', {}, words.t('errGeneric')));
      }
    }

    /** @param {any} found */
    function fill(found) {
      const parts = (Array.isArray(found.parts) ? found.parts : []).filter((/** @type {any} */ part) => part.count > 0);
      const rows = parts.map((/** @type {any} */ part) => h('li', {}, h('span', {}, String(part.title ?? part.name)), h('b', {}, String(part.count))));
      const consents = parts.some((/** @type {any} */ part) => part.plugin === 'core' && part.name === 'consents');
      body.replaceChildren(
        h('p', {}, words.t(rows.length ? 'myDataText' : 'myDataNone')),
        h('ul', { class: 'kept' }, ...rows),
        ...(found.complete === false ? [h('p', { class: 'warn' }, words.t('myDataPart'))] : []),
        h('div', { class: 'deeds' },
          act('myDataCopy', () => save(found)),
          ...(consents ? [act('myDataWithdraw', () => use('withdraw'))] : []),
          act('myDataRestrict', () => use('restrict')),
          act('endErase', () => close('erase'), 'danger')),
      );
    }

    /** @param {import('./texts.js').TextKey} key @param {() => void} run @param {string} [style] */
    function act(key, run, style = '') {
      return h('button', { type: 'button', class: `btn ${style}`, onclick: run }, words.t(key));
    }

    /** @param {any} found */
    function save(found) {
      const file = new Blob([JSON.stringify(found, null, 2)], { type: 'application/json' });
      const link = h('a', { href: URL.createObjectURL(file), download: 'my-data.json' });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    }

    /** @param {string} kind */
    async function use(kind) {
      try {
        const answer = await api.post('/api/me/requests', { kind });
        outcome = 'changed';
        body.replaceChildren(h('p', {}, words.t(answer.state === 'done' ? 'myDataDone' : 'myDataPart')));
      } catch {
        body.replaceChildren(h('p', {}, words.t('errGeneric')));
      }
      done.focus();
    }

    /** @param {'erase' | 'changed' | ''} decision */
    function close(decision) {
      for (const el of rest) el.inert = false;
      veil.remove();
      before?.focus();
      resolve(decision);
    }
  });
}
