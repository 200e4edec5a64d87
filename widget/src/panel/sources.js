/** The numbered sources under an answer: web pages open in a new tab, the others unfold their excerpt. */
import { h, icon } from '../lib/dom.js';
import { DOWN, OUT } from '../lib/icons.js';
import { safeUrl } from '../lib/links.js';
import { draw } from '../lib/markdown.js';

const SHOWN = 3;
let serial = 0;

/**
 * @param {Source} source
 * @param {number} index
 */
export const numberOf = (source, index) => (Number.isInteger(source.n) && source.n > 0 ? source.n : index + 1);

/**
 * @param {Source[]} sources
 * @param {import('./words.js').Words} words
 */
export function makeSources(sources, words) {
  /** @type {Map<number, {item: HTMLElement, control: HTMLElement, unfold: () => void}>} */
  const byNumber = new Map();
  const list = h('ol', { class: 'list' });
  sources.forEach((source, index) => {
    const n = numberOf(source, index);
    const made = makeItem(source, n, words);
    if (index >= SHOWN && sources.length > SHOWN + 1) made.item.hidden = true;
    list.append(made.item);
    byNumber.set(n, made);
  });
  const el = h('section', { class: 'sources' }, words.text(h('h4', {}), 'sources'), list);
  words.label(el, 'sources');
  const folded = list.querySelectorAll('[hidden].source').length;
  if (folded) {
    const more = h('button', { type: 'button', class: 'more', onclick: () => showAll(true) });
    el.append(words.text(more, 'moreSources', { n: folded }));
  }

  /** @param {boolean} [focus] */
  function showAll(focus) {
    const hidden = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('[hidden].source'));
    for (const item of hidden) item.hidden = false;
    el.querySelector('.more')?.remove();
    if (focus) /** @type {HTMLElement | null} */ (hidden[0]?.querySelector('a, button'))?.focus();
  }

  return {
    el,
    /** @param {number} n */
    title: (n) => sources.find((source, index) => numberOf(source, index) === n)?.title,
    /** @param {number} n */
    has: (n) => byNumber.has(n),
    /** Shows one source, as a citation mark asks. @param {number} n */
    reveal(n) {
      const found = byNumber.get(n);
      if (!found) return;
      if (found.item.hidden) showAll();
      found.unfold();
      found.control.focus();
      found.item.scrollIntoView({ block: 'nearest' });
      found.item.classList.remove('flash');
      void found.item.offsetWidth; // starts the animation again
      found.item.classList.add('flash');
    },
  };
}

/**
 * @param {Source} source
 * @param {number} n
 * @param {import('./words.js').Words} words
 */
function makeItem(source, n, words) {
  const href = source.url ? safeUrl(source.url) : null;
  const title = source.title || href || `#${n}`;
  const number = h('span', { class: 'n', 'aria-hidden': 'true' }, String(n));
  const link = href && { href, target: '_blank', rel: 'noopener noreferrer nofollow' };
  if (link && source.type === 'web') {
    const host = /^http/.test(link.href) ? new URL(link.href).host.replace(/^www\./, '') : '';
    const a = h('a', link, number, h('span', { class: 'what' }, h('span', { class: 'title' }, title), h('span', { class: 'where' }, host)), icon(OUT));
    words.bind(() => a.setAttribute('aria-label', `${words.t('source', { n, title })} – ${host} (${words.t('newTab')})`));
    return { item: h('li', { class: 'source' }, a), control: a, unfold() {} };
  }
  const id = `wca-excerpt-${++serial}`;
  const excerpt = h('div', { class: 'excerpt', id });
  draw(excerpt, source.excerpt ?? '', { cite: () => null });
  excerpt.hidden = true;
  if (link) excerpt.append(h('a', { ...link, class: 'open' }, link.href));
  const button = h('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': id, onclick: () => toggle() },
    number, h('span', { class: 'what' }, h('span', { class: 'title' }, title)), icon(DOWN));
  words.bind(() => button.setAttribute('aria-label', words.t('source', { n, title })));
  /** @param {boolean} [open] */
  function toggle(open = excerpt.hidden) {
    excerpt.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    if (open) excerpt.scrollIntoView({ block: 'nearest' });
  }
  return { item: h('li', { class: 'source' }, button, excerpt), control: button, unfold: () => toggle(true) };
}
