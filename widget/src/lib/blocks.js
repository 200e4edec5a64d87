/** Splits Markdown into blocks, as plain data, so that a growing answer redraws only the block that changed. */

/**
 * @typedef {{kind: 'p' | 'quote' | 'code', text: string}
 *   | {kind: 'heading', level: number, text: string}
 *   | {kind: 'list', ordered: boolean, start: number, items: string[]}
 *   | {kind: 'table', head: string[], rows: string[][]}
 *   | {kind: 'rule'}} Block
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^( {0,3})([-*+•]|\d{1,4}[.)])(?:\s+|$)/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}>\s?/;
const DIVIDER = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;

/** @param {string} line */
const cells = (line) =>
  line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|'));

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function blocks(text) {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\t/g, '    ').split('\n');
  /** @type {Block[]} */
  const found = [];
  let at = 0;
  /** @param {number} index */
  const line = (index) => lines[index] ?? '';
  /** @param {number} index */
  const startsBlock = (index) =>
    FENCE.test(line(index)) || HEADING.test(line(index)) || RULE.test(line(index)) || QUOTE.test(line(index)) || isTable(index) ||
    (ITEM.test(line(index)) && !/^\s*(?!1[.)])\d/.test(line(index)));
  /** @param {number} index */
  const isTable = (index) => line(index).includes('|') && line(index + 1).includes('|') && DIVIDER.test(line(index + 1));

  while (at < lines.length) {
    const current = line(at);
    const fence = FENCE.exec(current)?.[1];
    const heading = HEADING.exec(current);
    if (!current.trim()) at += 1;
    else if (fence) readCode(fence);
    else if (heading) {
      found.push({ kind: 'heading', level: heading[1]?.length ?? 1, text: heading[2] ?? '' });
      at += 1;
    } else if (RULE.test(current)) {
      found.push({ kind: 'rule' });
      at += 1;
    } else if (QUOTE.test(current)) readQuote();
    else if (isTable(at)) readTable();
    else if (ITEM.test(current)) readList();
    else readParagraph();
  }
  return found;

  /** @param {string} fence */
  function readCode(fence) {
    const body = [];
    for (at += 1; at < lines.length && !line(at).trim().startsWith(fence); at++) body.push(line(at));
    at += 1;
    found.push({ kind: 'code', text: body.join('\n') });
  }

  function readQuote() {
    const body = [];
    for (; at < lines.length && line(at).trim() && (QUOTE.test(line(at)) || !startsBlock(at)); at++) body.push(line(at).replace(QUOTE, ''));
    found.push({ kind: 'quote', text: body.join('\n') });
  }

  function readTable() {
    const head = cells(line(at));
    const rows = [];
    for (at += 2; at < lines.length && line(at).includes('|'); at++) rows.push(cells(line(at)).slice(0, head.length));
    found.push({ kind: 'table', head, rows });
  }

  function readList() {
    const first = ITEM.exec(line(at));
    const ordered = /\d/.test(first?.[2] ?? '');
    const start = ordered ? parseInt(first?.[2] ?? '1', 10) : 1;
    const indent = first?.[1]?.length ?? 0;
    /** @type {string[]} */
    const items = [];
    while (at < lines.length) {
      const item = ITEM.exec(line(at));
      if (item && (item[1]?.length ?? 0) <= indent + 1) {
        if (/\d/.test(item[2] ?? '') !== ordered || RULE.test(line(at))) break;
        items.push(line(at).slice(item[0].length));
      } else if (line(at).trim() === '') {
        // A blank line ends the list unless an item or indented text follows.
        const next = line(at + 1);
        if (!/^ {2,}\S/.test(next) && !ITEM.test(next)) break;
        items[items.length - 1] += '\n';
      } else if (/^ {2,}/.test(line(at))) items[items.length - 1] += `\n${line(at).replace(/^ {2,4}/, '')}`;
      else if (startsBlock(at)) break;
      else items[items.length - 1] += `\n${line(at)}`;
      at += 1;
    }
    found.push({ kind: 'list', ordered, start, items });
  }

  function readParagraph() {
    const body = [line(at).trim()];
    for (at += 1; at < lines.length && line(at).trim() && !startsBlock(at); at++) body.push(line(at).trim());
    found.push({ kind: 'p', text: body.join('\n') });
  }
}
