/** Builds elements from code only: text becomes text nodes and markup is never parsed. */

const SVG = 'http://www.w3.org/2000/svg';

/** Outlines on a 24 unit grid. */
const PATHS = {
  chat: 'M12 3.5c-5 0-9 3.4-9 7.8 0 2.3 1.1 4.3 2.9 5.8-.1 1.2-.6 2.3-1.4 3.2 1.9-.1 3.5-.7 4.7-1.6.9.2 1.8.3 2.8.3 5 0 9-3.4 9-7.7S17 3.5 12 3.5Z',
  down: 'm5.5 9 6.5 6.5L18.5 9',
  close: 'm6 6 12 12M18 6 6 18',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  send: 'M12 19.5v-15m0 0-6 6m6-6 6 6',
  stop: 'M7.5 7.5h9v9h-9z',
  copy: 'M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  up: 'M7.5 20V10.5l4-7c1.4 0 2.4 1.1 2.2 2.5l-.6 4h5.2c1.2 0 2.1 1.1 1.9 2.3l-1.1 6c-.2 1-1 1.7-2 1.7H7.5Zm0 0H4v-9.5h3.5',
  thumbDown: 'M16.5 4v9.5l-4 7c-1.4 0-2.4-1.1-2.2-2.5l.6-4H5.7c-1.2 0-2.1-1.1-1.9-2.3l1.1-6c.2-1 1-1.7 2-1.7h9.6Zm0 0H20v9.5h-3.5',
  arrow: 'M5 12h14m-6-6 6 6-6 6',
  out: 'M8 16 17 7m-7.5 0H17v7.5',
  file: 'M13.5 3.5H6v17h12V8m-4.5-4.5L18 8m-4.5-4.5V8H18',
  alert: 'M12 8v5m0 3.2v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z',
  retry: 'M19 12a7 7 0 1 1-2.2-5.1M19 3.5V8h-4.5',
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * One element. Attributes that are null, undefined or false are left out; `onclick` and the like take functions only.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attrs]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attrs = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) {
    if (typeof value === 'function') el.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) el.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) el.append(child);
  return el;
}

/** @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `i i-${name}`);
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
