/** The round button in the corner, its badge and the optional teaser. */
import { hex, inkOn } from '../lib/colour.js';
import { h, icon } from '../lib/dom.js';
import { adopt } from '../lib/styles.js';
import css from './loader.css';
import { localised } from './page.js';
import { WORDS } from './words.js';

/**
 * @param {ShadowRoot} root
 * @param {() => void} onClick
 */
export function makeLauncher(root, onClick) {
  adopt(root, css);
  const badge = h('span', { class: 'badge' });
  const button = h('button', { type: 'button', class: 'bubble', 'aria-expanded': 'false', 'aria-haspopup': 'dialog', onclick: onClick }, icon('chat'), icon('down'), badge);
  const corner = h('div', { class: 'launch' }, button);
  const frame = h('div', {}, corner);
  let teased = false;
  let unread = 0;
  root.append(frame);

  return {
    button,
    frame,
    /** @param {BotConfig} config @param {string} locale */
    show(config, locale) {
      const accent = hex(config.accent);
      frame.style.setProperty('--accent', accent);
      frame.style.setProperty('--ink', inkOn(accent));
      frame.classList.toggle('left', config.position === 'left');
      frame.lang = locale;
      const [open, close, news] = WORDS[locale] ?? [];
      const expanded = button.getAttribute('aria-expanded') === 'true';
      const label = (expanded ? close : unread ? `${open} (${unread} ${news})` : open) ?? '';
      button.setAttribute('aria-label', label);
      button.title = label;
      badge.textContent = unread && !expanded ? String(unread) : '';
    },
    /** @param {boolean} open */
    setOpen(open) {
      button.setAttribute('aria-expanded', String(open));
      frame.classList.toggle('full', open);
      if (open) corner.querySelector('.teaser')?.remove();
      teased ||= open;
    },
    /** @param {number} count */
    setUnread(count) {
      unread = count;
    },
    /** @param {BotConfig} config @param {string} locale */
    tease({ teaser }, locale) {
      if (!teaser) return;
      setTimeout(() => {
        if (teased) return;
        teased = true;
        /** @type {HTMLElement} */
        const box = h('div', { class: 'teaser' },
          h('button', { type: 'button', onclick: onClick }, localised(teaser.text, locale)),
          h('button', { type: 'button', 'aria-label': WORDS[locale]?.[3], onclick: () => box.remove() }, '×'));
        corner.prepend(box);
      }, (teaser.afterSeconds ?? 5) * 1000);
    },
  };
}
