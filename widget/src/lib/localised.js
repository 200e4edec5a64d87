/** Texts that a tenant may give once or per language. */

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
