import assert from 'node:assert/strict';
import test from 'node:test';
import { ChatError } from '../src/lib/api.js';
import { explain } from '../src/panel/turn.js';
import { Words } from '../src/panel/words.js';

const words = new Words('en');

for (const code of ['tenant_closed', 'quota_exceeded', 'bot_not_found']) {
  test(`${code} is final: trying again is not offered`, () => {
    assert.equal(explain(new ChatError(code, 'This chat is closed.'), words).again, false);
  });
}

test('a closed chat says what the server says, in its words', () => {
  assert.equal(explain(new ChatError('tenant_closed', 'This chat is closed.'), words).text, 'This chat is closed.');
});

test('a busy server may be asked again', () => {
  assert.equal(explain(new ChatError('try_again', ''), words).again, true);
});
