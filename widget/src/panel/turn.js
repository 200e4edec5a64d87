/** One question and its answer, from the first byte to the last, with everything that may go wrong on the way. */
import { ChatError } from '../lib/api.js';

/** @typedef {import('./words.js').TextKey} TextKey */

/** @type {Record<string, TextKey>} */
const ERRORS = {
  network: 'errNetwork',
  rate_limited: 'errLimited',
  try_again: 'errBusy',
  quota_exceeded: 'errQuota',
  message_too_long: 'errTooLong',
  origin_not_allowed: 'errGone',
  bot_not_found: 'errGone',
  action_expired: 'errExpired',
  action_not_found: 'errExpired',
  action_running: 'errBusy',
};
const FINAL = ['quota_exceeded', 'message_too_long', 'origin_not_allowed', 'bot_not_found', 'tenant_closed'];

/**
 * The sentence for the visitor and whether trying again makes sense.
 * @param {unknown} cause
 * @param {import('./words.js').Words} words
 */
export function explain(cause, words) {
  if (!(cause instanceof ChatError)) return { code: 'error', text: words.t('errGeneric'), again: true };
  const key = ERRORS[cause.code];
  const text = key ? words.t(key, { seconds: Math.max(cause.retryAfter, 1) }) : cause.message || words.t('errGeneric');
  return { code: cause.code, text, again: !FINAL.includes(cause.code) };
}

/**
 * Streams into the answer; resolves with the last event, rejects with the cause.
 * @param {import('../lib/api.js').Api} api
 * @param {ChatBody} body
 * @param {import('./answer.js').Answer} answer
 * @param {AbortSignal} signal
 * @param {{changed: () => void, restarting: () => void}} hooks
 */
export async function runTurn(api, body, answer, signal, hooks) {
  /** @type {Extract<ChatEvent, {type: 'done'}>} */
  let last = { type: 'done' };
  /** @param {ChatEvent} event */
  const take = (event) => {
    if (event.type === 'start') answer.id = event.messageId;
    else if (event.type === 'delta') answer.setText(answer.text + event.delta);
    else if (event.type === 'replace') answer.setText(event.text);
    else if (event.type === 'sources') answer.setSources(event.sources);
    else if (event.type === 'part') answer.addPart(event.part);
    else if (event.type === 'done') last = event;
    else if (event.type === 'restart') {
      answer.restart();
      hooks.restarting();
      return;
    }
    hooks.changed();
  };
  await api.chat(body, take, signal);
  return last;
}
