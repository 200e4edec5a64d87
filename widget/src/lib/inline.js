/** Inline Markdown to DOM nodes: bold, italic, struck, code, links, citation marks. Anything else stays text. */
import { h } from './dom.js';
import { hostHint, safeUrl } from './links.js';

/**
 * @typedef {object} Context
 * @property {(n: number) => Node | null} cite makes the mark for source n, or null when there is no such source
 */

const MARKS = /** @type {const} */ ([
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'del'],
  ['*', 'em'],
  ['_', 'em'],
]);
const DEEPEST = 6;
const SPECIAL = /[\\`*_~[<!\nhHmMtT]/g;
const BARE = /https?:\/\/[^\s<>"'`|\\^{}[\]]+/iy;
const CITE = /\[(\d{1,2}(?:\s?,\s?\d{1,2})*)\](?!\()/y;
const ANGLE = /<((?:https?:\/\/|mailto:|tel:)[^\s<>]+)>/iy;
const LINK = /!?\[((?:[^\][\\]|\\.|\[[^\][]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+["'(][^"')]*["')])?\s*\)/y;

/** @param {RegExp} pattern sticky @param {string} text @param {number} at */
function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** @param {string} label @param {string} href @param {Node[]} content */
function link(label, href, content) {
  const a = h('a', { href, title: href, target: '_blank', rel: 'noopener noreferrer nofollow' });
  a.append(...content);
  const host = hostHint(label, href);
  if (host) a.append(h('span', { class: 'host' }, ` (${host})`));
  return a;
}

/**
 * @param {string} text
 * @param {Context} context
 * @param {number} [depth]
 * @returns {Node[]}
 */
export function inline(text, context, depth = 0) {
  /** @type {Node[]} */
  const nodes = [];
  let plain = '';
  let at = 0;
  /** Delimiters without a partner in this text: remembered, or many of them would make this quadratic. */
  const alone = new Set();
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = '';
  };
  /** @param {Node[]} made @param {number} length */
  const add = (made, length) => {
    flush();
    nodes.push(...made);
    at += length;
  };

  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = SPECIAL.exec(text);
    if (!next) break;
    plain += text.slice(at, next.index);
    at = next.index;
    const char = next[0];
    if (char === '\\' && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1];
      at += 2;
    } else if (char === '\n') add([h('br')], 1);
    else if (char === '`' && code()) continue;
    else if ((char === '[' || char === '!') && bracket()) continue;
    else if (char === '<' && angle()) continue;
    else if ('*_~'.includes(char) && emphasis()) continue;
    else if (/[hH]/.test(char) && bare()) continue;
    else {
      plain += char;
      at += 1;
    }
  }
  plain += text.slice(at);
  flush();
  return nodes;

  function code() {
    const fence = /`+/y;
    const run = matchAt(fence, text, at)?.[0] ?? '`';
    if (alone.has(run)) return (plain += run), (at += run.length), true;
    const end = text.indexOf(run, at + run.length);
    if (end < 0) return alone.add(run), (plain += run), (at += run.length), true;
    add([h('code', {}, text.slice(at + run.length, end).trim())], end - at + run.length);
    return true;
  }

  function bracket() {
    const cite = text[at] === '[' && matchAt(CITE, text, at);
    if (cite) {
      const marks = (cite[1] ?? '').split(',').map((n) => context.cite(Number(n)));
      if (!marks.every((mark) => mark !== null)) return false;
      plain = plain.replace(/ $/, ''); // the mark belongs to the word before it
      return add(/** @type {Node[]} */ (marks), cite[0].length), true;
    }
    if (depth >= DEEPEST || alone.has('](') || (text[at] === '!' && text[at + 1] !== '[')) return false;
    if (text.indexOf('](', at) < 0) return alone.add(']('), false;
    const found = matchAt(LINK, text, at);
    const href = found && safeUrl(found[2] ?? '');
    if (!found || !href) return false;
    const label = (found[1] ?? '').trim() || (found[2] ?? '');
    // No link inside a link: the label is shown as text with its emphasis only.
    const content = /[*_~`]/.test(label) ? inline(label, { cite: () => null }, DEEPEST) : [document.createTextNode(label)];
    return add([link(label, href, content)], found[0].length), true;
  }

  function angle() {
    const found = matchAt(ANGLE, text, at);
    const href = found && safeUrl(found[1] ?? '');
    if (!found || !href) return false;
    const label = (found[1] ?? '').replace(/^(mailto|tel):/i, '');
    return add([link(label, href, [document.createTextNode(label)])], found[0].length), true;
  }

  function bare() {
    if (depth >= DEEPEST || (at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ''))) return false;
    let found = matchAt(BARE, text, at)?.[0] ?? '';
    found = found.replace(/[.,;:!?*_~\u0964…]+$/, '');
    if (found.endsWith(')') && !found.includes('(')) found = found.slice(0, -1);
    const href = found && safeUrl(found);
    if (!href) return false;
    return add([link(found, href, [document.createTextNode(found)])], found.length), true;
  }

  function emphasis() {
    if (depth > DEEPEST + 2) return false;
    for (const [mark, tag] of MARKS) {
      if (!text.startsWith(mark, at) || alone.has(mark)) continue;
      const from = at + mark.length;
      const word = mark[0] === '_' && /[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
      if (word || /\s|^$/.test(text[from] ?? '')) continue;
      const end = closing(mark, from);
      if (end < 0) continue;
      add([h(tag, {}, ...inline(text.slice(from, end), context, depth + 1))], end - at + mark.length);
      return true;
    }
    // A run without a partner is text as a whole: its second half must not open anything.
    const run = matchAt(/\*+|_+|~+/y, text, at)?.[0] ?? '';
    if (!run) return false;
    return (plain += run), (at += run.length), true;
  }

  /** @param {string} mark @param {number} from */
  function closing(mark, from) {
    for (let end = text.indexOf(mark, from + 1), tries = 0; end >= 0 && tries < 50; end = text.indexOf(mark, end + 1), tries++) {
      if (/\s|\\/.test(text[end - 1] ?? '')) continue;
      if (mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark)) {
        if (text[end + 1] === mark) end += 1;
        continue;
      }
      if (mark[0] === '_' && /[\p{L}\p{N}]/u.test(text[end + mark.length] ?? '')) continue;
      return end;
    }
    alone.add(mark);
    return -1;
  }
}
