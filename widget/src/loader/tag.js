/** Finds the tag that started the loader. */

/** The loader's own tag. A named element may shadow `document.currentScript`, hence the check. */
export function ownTag() {
  const current = document.currentScript;
  if (current instanceof HTMLScriptElement && current.src) return current;
  return /** @type {HTMLScriptElement | null} */ (document.querySelector('script[src*="/widget/v1/loader.js"]'));
}
