/** Builds elements from code only: text becomes text nodes and markup is never parsed. */

const SVG = 'http://www.w3.org/2000/svg';

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

/**
 * A drawing of one line, without meaning of its own: the button around it has a name.
 * @param {string} outline path on a grid of 24 units
 * @param {string} [name] for styles
 */
export function icon(outline, name = '') {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'i ' + name);
  path.setAttribute('d', outline);
  svg.append(path);
  return svg;
}
