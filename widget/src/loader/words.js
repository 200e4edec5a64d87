/** The few words that the loader itself shows. */

/** @type {Record<string, [open: string, close: string, unread: string, dismiss: string, failed: string]>} */
export const WORDS = {
  en: ['Open chat', 'Close chat', 'new messages', 'Dismiss', 'The chat could not be loaded. Please try again.'],
  de: ['Chat öffnen', 'Chat schließen', 'neue Nachrichten', 'Ausblenden', 'Der Chat konnte nicht geladen werden. Bitte noch einmal versuchen.'],
  hi: ['चैट खोलें', 'चैट बंद करें', 'नए संदेश', 'हटाएँ', 'चैट लोड नहीं हो सकी। कृपया फिर से कोशिश करें।'],
};

/**
 * The first of the wishes that there are words for: `de-AT` counts as `de`.
 * @param {...(string | null | undefined)} wishes
 */
export function pickLocale(...wishes) {
  for (const wish of wishes) {
    const language = String(wish).slice(0, 2).toLowerCase();
    if (WORDS[language]) return language;
  }
  return 'en';
}
