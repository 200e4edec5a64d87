/** The round button in the corner and its badge. */
import { hex, inkOn } from '../lib/colour.js';
import { icon } from '../lib/dom.js';
import { CHAT, DOWN } from '../lib/icons.js';
import { WORDS } from './words.js';

/**
 * @param {ShadowRoot} root
 * @param {() => void} onClick
 */
export function makeLauncher(root, onClick) {
  const button = document.createElement('button');
  const badge = document.createElement('b');
  button.type = 'button';
  set('haspopup', 'dialog');
  button.onclick = onClick;
  button.append(icon(CHAT, 'a'), icon(DOWN, 'z'), badge);
  root.append(button);

  /** @param {string} name @param {unknown} value */
  function set(name, value) {
    button.setAttribute(`aria-${name}`, `${value}`);
  }

  return {
    button,
    set,
    /** @param {BotConfig} config @param {string} locale @param {boolean} open @param {number | string} mark unread messages or `!` */
    show({ accent, position }, locale, open, mark) {
      const colour = hex(accent);
      const [label, close, failed] = /** @type {[string, string, string]} */ (WORDS[locale]);
      button.style.setProperty('--accent', colour);
      button.style.setProperty('--ink', inkOn(colour));
      button.className = `l ${position || ''}`;
      button.lang = locale;
      button.title = open ? close : mark === '!' ? failed : mark ? `${label} (${mark})` : label;
      set('label', button.title);
      set('expanded', open);
      badge.textContent = open ? '' : `${mark || ''}`;
    },
  };
}
