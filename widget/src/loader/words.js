/** The few words that the loader itself shows come with the config; here is what it shows without. */

/**
 * Open, close, failed, hide.
 * @param {BotConfig} config
 * @param {string} locale
 */
export const labels = (config, locale) => config.labels?.[locale] ?? ['Chat', 'Chat', 'Chat'];

/**
 * The first of the wishes that the widget speaks: `de-AT` counts as `de`.
 * @param {...(string | null | undefined)} wishes
 */
export const pickLocale = (...wishes) => /(?:^|,)(en|de|hi)/i.exec(`${wishes}`)?.[1]?.toLowerCase() ?? 'en';
