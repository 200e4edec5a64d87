/** The few words that the loader itself shows. */

/** @type {Record<string, [open: string, close: string, failed: string]>} */
export const WORDS = {
  en: ['Open chat', 'Close chat', 'The chat is not available right now'],
  de: ['Chat öffnen', 'Chat schließen', 'Der Chat ist gerade nicht erreichbar'],
  hi: ['चैट खोलें', 'चैट बंद करें', 'चैट अभी उपलब्ध नहीं है'],
};

/**
 * The first of the wishes that there are words for: `de-AT` counts as `de`.
 * @param {...(string | null | undefined)} wishes
 */
export const pickLocale = (...wishes) => wishes.map((wish) => `${wish}`.slice(0, 2).toLowerCase()).find((wish) => WORDS[wish]) ?? 'en';
