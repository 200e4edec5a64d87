import assert from 'node:assert/strict';
import test from 'node:test';
import { contrast, hex, inkOn, readable } from '../src/lib/colour.js';
import { hostHint, safeUrl, secureEnough } from '../src/lib/links.js';
import { Session } from '../src/lib/session.js';

const ID = 'A'.repeat(43);

function memory() {
  const data = new Map();
  return { data, getItem: (k) => data.get(k) ?? null, setItem: (k, v) => void data.set(k, v), removeItem: (k) => void data.delete(k) };
}

test('the id is kept under the documented key and removed on clear', () => {
  const store = memory();
  const session = new Session('b1', store);
  assert.equal(session.id, null);
  session.keep(ID);
  assert.equal(store.data.get('webchatagent:b1:session'), ID);
  assert.equal(new Session('b1', store).id, ID);
  assert.equal(new Session('b2', store).id, null);
  session.clear();
  assert.equal(store.data.size, 0);
  assert.equal(session.id, null);
});

test('an id removed by another tab is gone here too', () => {
  const store = memory();
  const session = new Session('b', store);
  session.keep(ID);
  store.data.clear();
  assert.equal(session.id, null);
});

test('blocked storage falls back to memory', () => {
  const fail = () => {
    throw new Error('blocked');
  };
  for (const store of [null, { getItem: fail, setItem: fail, removeItem: fail }, { ...memory(), setItem: fail }]) {
    const session = new Session('b', store);
    session.keep(ID);
    assert.equal(session.id, ID);
    session.clear();
    assert.equal(session.id, null);
  }
});

test('strange ids are ignored', () => {
  const session = new Session('b', memory());
  session.keep('x y\r\nEvil: 1');
  assert.equal(session.id, null);
});

test('addresses', () => {
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'java\nscript:x', '\u0001javascript:x', 'vbscript:x', 'https:/x', 'blob:https://x', 'https://u:p@x.example', '/rel'])
    assert.equal(safeUrl(bad), null, bad);
  assert.equal(safeUrl('HTTPS://X.example/a b'), 'https://x.example/ab');
  assert.equal(hostHint('x.example', 'https://x.example/'), null);
  assert.equal(hostHint('Read more', 'https://x.example/'), null);
  assert.equal(hostHint('bank.example', 'https://x.example/'), 'x.example');
});

test('plain http is refused except on this machine or its own page', () => {
  const page = new URL('https://shop.example/');
  assert.equal(secureEnough(new URL('http://chat.example'), page), false);
  assert.equal(secureEnough(new URL('https://chat.example'), page), true);
  assert.equal(secureEnough(new URL('http://127.0.0.1:8080'), page), true);
  assert.equal(secureEnough(new URL('http://localhost.evil.example'), page), false);
  assert.equal(secureEnough(new URL('http://10.0.0.5:8080/'), new URL('http://10.0.0.5:8080/chat/1')), true);
});

test('colours read on their ground', () => {
  assert.equal(hex('#ABC'), '#AABBCC');
  assert.equal(hex('red;background:url(x)'), hex(undefined));
  for (const colour of ['#ffff00', '#000000', '#ffffff', '#7f7f7f', '#1d5bd8', '#00c853']) {
    assert.ok(contrast(readable(colour, '#ffffff'), '#ffffff') >= 4.5, colour);
    assert.ok(contrast(readable(colour, '#16181d'), '#16181d') >= 4.5, colour);
  }
  for (let at = 0; at < 4096; at++) {
    const colour = hex(`#${at.toString(16).padStart(3, '0')}`);
    assert.ok(contrast(colour, inkOn(colour)) >= 4.5, colour);
  }
});
