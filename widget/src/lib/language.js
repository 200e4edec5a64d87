/** Guesses the language of a text well enough for `lang`, so that a screen reader picks the right voice. */

const GERMAN = /(?<!\p{L})(der|die|das|und|ist|sind|nicht|ein|eine|sie|wir|ich|mit|für|auf|zu|wie|oder)(?!\p{L})/giu;
const ENGLISH = /(?<!\p{L})(the|and|is|are|not|a|an|you|we|i|with|for|on|to|how|or|of)(?!\p{L})/giu;

/**
 * @param {string} text
 * @param {string} fallback
 */
export function languageOf(text, fallback) {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const devanagari = text.match(/[\u0900-\u097f]/g)?.length ?? 0;
  if (letters && devanagari > letters * 0.3) return 'hi';
  const german = text.match(GERMAN)?.length ?? 0;
  const english = text.match(ENGLISH)?.length ?? 0;
  if (german !== english) return german > english ? 'de' : 'en';
  return fallback === 'hi' ? 'en' : fallback;
}
