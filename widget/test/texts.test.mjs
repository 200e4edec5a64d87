import assert from 'node:assert/strict';
import test from 'node:test';
import { languageOf } from '../src/lib/language.js';
import { labels, pickLocale } from '../src/loader/words.js';
import { LANGUAGES, TEXTS, en } from '../src/panel/texts.js';

const holes = (/** @type {string} */ text) => (text.match(/\{\w+\}/g) ?? []).sort();

for (const locale of ['de', 'hi']) {
  test(`${locale} is complete`, () => {
    const texts = TEXTS[locale];
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en).sort());
    for (const [key, text] of Object.entries(en)) {
      assert.ok(texts[key].trim(), key);
      if (key !== 'team') assert.notEqual(texts[key], text, key);
      assert.deepEqual(holes(texts[key]), holes(text), key);
      if (locale === 'hi') assert.match(texts[key], /[\u0900-\u097f]/, key);
    }
    assert.ok(LANGUAGES[locale]);
  });
}

test('locales are picked by language, the first known wins', () => {
  assert.equal(pickLocale(null, undefined, 'fr', 'de-AT', 'hi'), 'de');
  assert.equal(pickLocale('constructor', '__proto__'), 'en');
});

test('what the button says comes with the config, and something is said without', () => {
  assert.deepEqual(labels({ id: 'b', name: 'B', labels: { de: ['auf', 'zu', 'kaputt', 'weg'] } }, 'de'), ['auf', 'zu', 'kaputt', 'weg']);
  assert.equal(labels({ id: 'b', name: 'B' }, 'de')[0], 'Chat');
});

test('languages are told apart', () => {
  assert.equal(languageOf('आप कैसे हैं?', 'en'), 'hi');
  assert.equal(languageOf('Wie kann ich die Lampe zurückgeben?', 'en'), 'de');
  assert.equal(languageOf('How do I return the lamp?', 'de'), 'en');
  assert.equal(languageOf('42', 'de'), 'de');
});
