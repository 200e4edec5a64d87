/** What the loader reads from the page that embeds it. */

/** The loader's own tag. A named element may shadow `document.currentScript`, hence the check. */
export function ownTag() {
  const current = document.currentScript;
  if (current instanceof HTMLScriptElement && current.src) return current;
  return /** @type {HTMLScriptElement | null} */ (document.querySelector('script[src*="/widget/v1/loader.js"]'));
}

/** Resolves when there is a body to add to. */
export function bodyReady() {
  return new Promise((resolve) => {
    if (document.body) resolve(undefined);
    else document.addEventListener('DOMContentLoaded', resolve, { once: true });
  });
}

/**
 * The language that the visitor chose here before, if any.
 * @param {string} bot
 */
export function chosenLocale(bot) {
  try {
    return localStorage.getItem(`webchatagent:${bot}:locale`);
  } catch {
    return null;
  }
}

/**
 * One value of a text that may be given per language.
 * @template T
 * @param {Localised<T> | undefined} value
 * @param {string} locale
 * @returns {T | undefined}
 */
export function localised(value, locale) {
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    const table = /** @type {Record<string, T>} */ (value);
    return Object.hasOwn(table, locale) ? table[locale] : Object.values(table)[0];
  }
  return /** @type {T | undefined} */ (value);
}
