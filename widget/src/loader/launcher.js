/** The round button in the corner and its badge. */
import { hex, inkOn } from '../lib/colour.js';
import { icon } from '../lib/dom.js';
import { CHAT, DOWN } from '../lib/icons.js';
import { labels } from './words.js';

/**
 * @param {ShadowRoot} root
 * @param {() => void} onClick
 */
export function makeLauncher(root, onClick) {
  const button = add('', onClick);
  const badge = document.createElement('b');
  button.append(icon(CHAT, 'a'), icon(DOWN, 'z'), badge);
  root.append(button);

  /** @param {string} name @param {unknown} value */
  function set(name, value) {
    button.setAttribute(`aria-${name}`, `${value}`);
  }

  /** @type {HTMLElement | undefined} */
  let bubble;

  /** @param {string} text @param {() => void} act @param {string} [title] */
  function add(text, act, title = '') {
    const made = document.createElement('button');
    made.textContent = text;
    made.title = made.ariaLabel = title;
    made.onclick = act;
    return made;
  }

  return {
    button,
    set,
    /** A line beside the button, or with no text none. @param {string} [text] @param {string} [hide] what its cross says */
    tease(text, hide) {
      bubble?.remove();
      if (!text) return;
      bubble = document.createElement('b');
      bubble.className = button.className.replace('l', 't');
      bubble.append(add(text, onClick), add('✕', () => bubble?.remove(), hide));
      root.append(bubble);
    },
    /** @param {BotConfig} config @param {string} locale @param {boolean} open @param {number | string} mark unread messages or `!` */
    show(config, locale, open, mark) {
      const colour = hex(config.accent);
      const [label, close, failed] = /** @type {[string, string, string]} */ (labels(config, locale));
      button.style.setProperty('--accent', colour);
      button.style.setProperty('--ink', inkOn(colour));
      button.className = `l ${config.position || ''}`;
      button.lang = locale;
      button.title = open ? close : mark === '!' ? failed : mark ? `${label} (${mark})` : label;
      set('label', button.title);
      set('expanded', open);
      badge.textContent = open ? '' : `${mark || ''}`;
    },
  };
}
