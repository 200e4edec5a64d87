/** The frame of the panel: header, messages, composer and the voice for screen readers. */
import { adopt } from '../lib/styles.js';
import { h, icon } from '../lib/dom.js';
import { CLOSE, DOWN } from '../lib/icons.js';
import { followKeyboard, isPhone, trapTab } from './focus.js';
import { legalUrl } from './menu.js';
import bubbles from './bubbles.css';
import panel from './panel.css';
import partStyles from './parts.css';
import sources from './sources.css';
import states from './states.css';

/**
 * @param {Bridge} bridge
 * @param {import('./words.js').Words} words
 * @param {{log: HTMLElement, composer: HTMLElement, menuButton: HTMLElement, menu: HTMLElement}} parts
 * @param {{minimise: () => void, close: () => void, escape: () => void}} hooks
 */
export function makeShell(bridge, words, parts, hooks) {
  adopt(bridge.root, panel + bubbles + sources + partStyles + states);
  const name = h('h2', {});
  const avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' });
  const minimise = words.label(h('button', { type: 'button', class: 'tool', onclick: hooks.minimise }, icon(DOWN)), 'minimise');
  const close = h('button', { type: 'button', class: 'tool', onclick: hooks.close }, icon(CLOSE));
  const who = h('div', { class: 'who' }, name, words.text(h('p', {}), 'assistant'));
  const header = h('header', {}, avatar, who, parts.menuButton, minimise, close, parts.menu);
  const status = h('p', { class: 'status' });
  const foot = h('p', { class: 'foot' });
  const voice = h('div', { class: 'sr', role: 'status' });
  const bottom = h('div', { class: 'bottom' }, status, parts.composer, foot);
  const frame = h('section', { class: bridge.page ? 'frame page' : 'frame', role: bridge.page ? 'region' : 'dialog', tabindex: -1 }, header, parts.log, bottom, voice);
  frame.hidden = true;
  status.hidden = true;

  words.bind(() => refresh());
  frame.addEventListener('keydown', (event) => {
    // The page's own shortcuts must not fire while somebody writes here.
    event.stopPropagation();
    if (event.key === 'Escape' && !event.isComposing) hooks.escape();
    else if (modal()) trapTab(event, frame);
  });
  const unfollow = followKeyboard(frame);
  bridge.root.append(frame);
  if (bridge.page) {
    bridge.root.host.setAttribute('data-page', '');
    const place = bridge.root.host.parentElement;
    if (place && place.clientHeight < 200) place.style.height = '100vh';
  }

  function modal() {
    return !bridge.page && isPhone();
  }

  function refresh() {
    const { config } = bridge;
    const ends = config.closeBehaviour === 'end' || config.closeBehaviour === 'end_and_erase';
    frame.lang = words.locale;
    frame.setAttribute('aria-label', words.t('panel', { name: config.name }));
    name.textContent = config.name;
    avatar.textContent = [...(config.name || '?')][0]?.toUpperCase() ?? '';
    minimise.hidden = bridge.page || !ends;
    close.hidden = bridge.page;
    const label = words.t(ends ? 'endAndClose' : 'close');
    close.setAttribute('aria-label', label);
    close.title = label;
    const privacy = legalUrl(bridge, config.privacyUrl, words.locale);
    foot.replaceChildren(words.t('disclosure'));
    if (privacy) foot.append(' ', h('a', { href: privacy, target: '_blank', rel: 'noopener' }, words.t('privacy')));
  }

  return {
    frame,
    refresh,
    /** Says a text to screen readers; the same text again is said again. @param {string} text */
    announce(text) {
      voice.replaceChildren(h('p', {}, text));
    },
    /** A line above the composer, or nothing. @param {string} text */
    setStatus(text) {
      status.hidden = !text;
      status.textContent = text;
    },
    show() {
      frame.hidden = false;
      if (!bridge.page) frame.setAttribute('aria-modal', String(modal()));
    },
    destroy() {
      unfollow();
      frame.remove();
    },
  };
}
