/** Where the keyboard is: Tab stays inside modal parts, and a phone's on-screen keyboard never covers the composer. */

const REACHABLE = 'a[href], button:not([disabled]), input, select, textarea, [tabindex="0"]';

/** @param {HTMLElement} part */
const stops = (part) =>
  [.../** @type {NodeListOf<HTMLElement>} */ (part.querySelectorAll(REACHABLE))].filter((el) => el.getClientRects().length && !el.closest('[inert]'));

/**
 * Keeps Tab within a part; call it for its keydown events.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} part
 */
export function trapTab(event, part) {
  if (event.key !== 'Tab') return;
  const all = stops(part);
  const first = all[0];
  const last = all[all.length - 1];
  const active = /** @type {ShadowRoot} */ (part.getRootNode()).activeElement;
  if (event.shiftKey && (active === first || active === part)) {
    event.preventDefault();
    last?.focus();
  } else if (!event.shiftKey && active === last) {
    event.preventDefault();
    first?.focus();
  }
}

/** Whether the panel covers the whole screen and is modal. */
export const isPhone = () => matchMedia('(max-width: 480px)').matches;

/**
 * Follows the part of the screen that the on-screen keyboard leaves free.
 * @param {HTMLElement} frame
 */
export function followKeyboard(frame) {
  const view = window.visualViewport;
  if (!view) return () => {};
  const fit = () => {
    frame.style.setProperty('--free', `${view.height}px`);
    frame.style.setProperty('--shift', `${view.offsetTop}px`);
  };
  view.addEventListener('resize', fit);
  view.addEventListener('scroll', fit);
  fit();
  return () => {
    view.removeEventListener('resize', fit);
    view.removeEventListener('scroll', fit);
  };
}
