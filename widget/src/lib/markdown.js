/** Draws Markdown as DOM nodes of a fixed list of elements. Markup in the text is shown as text. */
import { blocks } from './blocks.js';
import { h } from './dom.js';
import { inline } from './inline.js';

/** Every element an answer may contain; the tests hold the renderer to it. */
export const ALLOWED = [
  'a', 'blockquote', 'br', 'button', 'code', 'del', 'div', 'em', 'h3', 'h4', 'hr', 'li', 'ol', 'p', 'pre', 'span', 'strong',
  'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
];
const WIDEST = 8;
const DEEPEST = 4;

/** @type {WeakMap<Element, string[]>} */
const drawn = new WeakMap();

/**
 * Shows the text in the element and touches only the blocks that differ from the last call, so a selection survives streaming.
 * @param {HTMLElement} target
 * @param {string} text
 * @param {import('./inline.js').Context} context
 * @param {string} [version] anything that changes what the context makes, such as the number of sources
 */
export function draw(target, text, context, version = '') {
  const list = blocks(text);
  const keys = list.map((block) => version + JSON.stringify(block));
  const old = drawn.get(target) ?? [];
  list.forEach((block, index) => {
    if (old[index] === keys[index]) return;
    const made = element(block, context, 0);
    const present = target.children[index];
    if (present) present.replaceWith(made);
    else target.append(made);
  });
  while (target.children.length > list.length) target.lastElementChild?.remove();
  drawn.set(target, keys);
}

/**
 * @param {import('./blocks.js').Block} block
 * @param {import('./inline.js').Context} context
 * @param {number} depth
 * @returns {HTMLElement}
 */
function element(block, context, depth) {
  switch (block.kind) {
    case 'heading':
      return h(block.level < 3 ? 'h3' : 'h4', {}, ...inline(block.text, context));
    case 'code':
      return h('pre', { tabindex: 0 }, h('code', {}, block.text));
    case 'rule':
      return h('hr');
    case 'quote':
      return h('blockquote', {}, ...nested(block.text, context, depth));
    case 'list': {
      const start = block.ordered && block.start !== 1 ? block.start : null;
      const items = block.items.map((item) => h('li', {}, ...nested(item, context, depth)));
      return block.ordered ? h('ol', { start }, ...items) : h('ul', {}, ...items);
    }
    case 'table':
      return table(block, context);
    default:
      return h('p', {}, ...inline(block.text, context));
  }
}

/** @param {string} text @param {import('./inline.js').Context} context @param {number} depth @returns {Node[]} */
function nested(text, context, depth) {
  if (depth >= DEEPEST) return inline(text.trim(), context);
  const inner = blocks(text);
  const [first, ...rest] = inner;
  // A short item needs no paragraph of its own.
  if (first?.kind === 'p' && rest.every((block) => block.kind === 'list'))
    return [...inline(first.text, context), ...rest.map((block) => element(block, context, depth + 1))];
  return inner.map((block) => element(block, context, depth + 1));
}

/** @param {Extract<import('./blocks.js').Block, {kind: 'table'}>} block @param {import('./inline.js').Context} context */
function table(block, context) {
  /** @param {string[]} row @param {'th' | 'td'} tag */
  const line = (row, tag) => h('tr', {}, ...row.slice(0, WIDEST).map((cell) => h(tag, {}, ...inline(cell, context))));
  const rows = block.rows.slice(0, 100).map((row) => line(row, 'td'));
  return h('div', { class: 'table', tabindex: 0 }, h('table', {}, h('thead', {}, line(block.head, 'th')), h('tbody', {}, ...rows)));
}
