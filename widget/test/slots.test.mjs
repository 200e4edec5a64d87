import assert from 'node:assert/strict';
import test from 'node:test';
import './dom.mjs';
import { makeSlots, ownTime } from '../src/panel/slots.js';
import { Words } from '../src/panel/words.js';

const DAYS = [
  { label: 'Tuesday, 1 December', slots: [{ label: '09:00', at: '2026-12-01T08:00:00+00:00', value: 'one #a' }, { label: '09:30', value: 'two #b' }] },
  { label: 'Wednesday, 2 December', slots: [{ label: '09:00', value: 'three #c' }, { label: 'no value' }, null] },
  { label: 'empty', slots: [] },
];

const made = () => {
  const said = [];
  const box = makeSlots({ type: 'slots', days: DAYS }, new Words('en'), (text) => said.push(text));
  return { box, said, buttons: [...box.querySelectorAll('button')] };
};

test('times stand below their days, and what says nothing is left out', () => {
  const { box, buttons } = made();
  assert.deepEqual(buttons.map((b) => b.textContent), ['09:00', '09:30', '09:00']);
  assert.equal(box.querySelectorAll('[role=group]').length, 2);
});

test('a time says its value and stays marked', () => {
  const { said, buttons } = made();
  buttons[1].click();
  assert.deepEqual(said, ['two #b']);
  assert.deepEqual(buttons.map((b) => b.getAttribute('aria-pressed')), ['false', 'true', 'false']);
});

test('another zone shows its own time, the same clock shows none', () => {
  const at = '2026-03-29T06:00:00Z';
  assert.equal(ownTime(at, 'Europe/Berlin', 'en-GB', 'Europe/Paris'), '');
  assert.match(ownTime(at, 'Asia/Kolkata', 'en-GB', 'Europe/Berlin'), /08:00/);
  assert.match(ownTime('2026-03-28T06:00:00Z', 'Asia/Kolkata', 'en-GB', 'Europe/Berlin'), /07:00/);
  assert.equal(ownTime('nonsense', 'Asia/Kolkata', 'en', 'Europe/Berlin'), '');
  assert.equal(ownTime(at, 'Nowhere/City', 'en', 'Europe/Berlin'), '');
});
