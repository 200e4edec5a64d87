import assert from 'node:assert/strict';
import test from 'node:test';
import { EventParser, readEvents } from '../src/lib/sse.js';

const STREAM = '\ufeff: hello\r\n\r\ndata: {"a":"नमस्ते 🙂"}\r\n\r\nevent: x\ndata: one\ndata:two\n\n: ping\n\ndata: last\r\r';
const EXPECTED = ['{"a":"नमस्ते 🙂"}', 'one\ntwo', 'last'];

/** @param {Uint8Array} bytes @param {number} size */
function streamOf(bytes, size) {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

for (const size of [1, 2, 3, 5, 7, 64, 4096]) {
  test(`pieces of ${size} bytes give the same events`, async () => {
    const seen = [];
    await readEvents(streamOf(new TextEncoder().encode(STREAM), size), (data) => seen.push(data));
    assert.deepEqual(seen, EXPECTED);
  });
}

test('an event without its blank line is not delivered', () => {
  const seen = [];
  new EventParser((data) => seen.push(data)).push('data: half');
  assert.deepEqual(seen, []);
});
