/** Puts the tenant's colour and the light or dark ground on the panel. */
import { hex, inkOn, readable } from '../lib/colour.js';

const GROUND = { light: '#ffffff', dark: '#16181d' };

/**
 * @param {HTMLElement} frame
 * @param {() => BotConfig} config
 */
export function makeTheme(frame, config) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  function apply() {
    const { accent, theme, position } = config();
    const scheme = theme === 'dark' || (theme !== 'light' && dark.matches) ? 'dark' : 'light';
    const colour = hex(accent);
    frame.dataset.theme = scheme;
    frame.classList.toggle('left', position === 'left');
    frame.style.setProperty('--accent', colour);
    frame.style.setProperty('--ink', inkOn(colour));
    frame.style.setProperty('--link', readable(colour, GROUND[scheme]));
  }
  dark.addEventListener('change', apply);
  apply();
  return { apply, stop: () => dark.removeEventListener('change', apply) };
}
