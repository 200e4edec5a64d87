/** The chat API over fetch: no cookies, the session id in a header only. */
import { readEvents } from './sse.js';

const HEADER = 'X-Chat-Session-Id';
const WAITS = [600, 1800, 4000];
const SILENCE = 20_000; // the server sends at least a comment every 5 s

/** A refusal or failure with the server's code; `lost` means that asking again may help. */
export class ChatError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] for the person
   * @param {{lost?: boolean, retryAfter?: number, status?: number, field?: string}} [more]
   */
  constructor(code, message = '', { lost = false, retryAfter = 0, status = 0, field = '' } = {}) {
    super(message);
    this.code = code;
    this.lost = lost;
    this.retryAfter = retryAfter;
    this.status = status;
    this.field = field;
  }
}

/** @param {number} ms @param {AbortSignal} signal */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
}

export class Api {
  /**
   * @param {string} base
   * @param {import('./session.js').Session} session
   */
  constructor(base, session) {
    this.base = base;
    this.session = session;
  }

  /**
   * @param {string} path
   * @param {{body?: unknown, accept?: string, signal?: AbortSignal, keepalive?: boolean}} [options]
   * @returns {Promise<Response>}
   */
  async call(path, { body, accept = 'application/json', signal, keepalive = false } = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: accept };
    const id = this.session.id;
    if (id) headers[HEADER] = id;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(this.base + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'omit',
      cache: 'no-store',
      signal,
      keepalive,
    }).catch((cause) => {
      throw signal?.aborted ? cause : new ChatError('network', '', { lost: true });
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** @returns {Promise<HistoryMessage[]>} */
  async history() {
    const answer = await (await this.call('/api/chat/history')).json();
    return Array.isArray(answer.messages) ? answer.messages : [];
  }

  /** @param {boolean} erase */
  end(erase) {
    return this.call('/api/chat/end', { body: { erase }, keepalive: true });
  }

  /** @param {string} messageId @param {'up' | 'down'} rating */
  feedback(messageId, rating) {
    return this.call('/api/chat/feedback', { body: { messageId, rating } });
  }

  /** What a form or a button of an answer sends. @param {string} path @param {object} body @returns {Promise<any>} */
  async post(path, body) {
    const answer = await (await this.call(path, { body })).json().catch(() => null);
    return answer && typeof answer === 'object' ? answer : {};
  }

  /**
   * One turn. A cut connection is taken up again with the same `clientMessageId`; the server then replays the answer
   * from its beginning, which `restart` announces.
   * @param {ChatBody} body
   * @param {(event: ChatEvent) => void} onEvent
   * @param {AbortSignal} signal
   */
  async chat(body, onEvent, signal) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.once(body, onEvent, signal);
      } catch (cause) {
        const wait = WAITS[attempt];
        if (signal.aborted || !(cause instanceof ChatError) || !cause.lost || wait === undefined) throw cause;
        await pause(Math.min(Math.max(wait, cause.retryAfter * 1000), 10_000), signal);
        if (signal.aborted) throw cause;
        onEvent({ type: 'restart', attempt: attempt + 1 });
      }
    }
  }

  /**
   * @param {ChatBody} body
   * @param {(event: ChatEvent) => void} onEvent
   * @param {AbortSignal} outer
   */
  async once(body, onEvent, outer) {
    const inner = new AbortController();
    const stop = () => inner.abort();
    outer.addEventListener('abort', stop);
    let timer = setTimeout(stop, SILENCE * 2);
    let finished = false;
    try {
      const response = await this.call('/api/chat', { body, accept: 'text/event-stream', signal: inner.signal });
      this.session.keep(response.headers.get(HEADER));
      if (!response.body || /json/.test(response.headers.get('Content-Type') ?? '')) {
        for (const event of wholeAnswer(await response.json())) onEvent(event);
        return;
      }
      /** @param {string} data */
      const take = (data) => {
        const event = /** @type {ChatEvent} */ (JSON.parse(data));
        if (event.type === 'error') throw new ChatError(event.error?.code ?? 'error', event.error?.message);
        if (event.type === 'done') finished = true;
        onEvent(event);
      };
      await readEvents(response.body, take, () => {
        clearTimeout(timer);
        timer = setTimeout(stop, SILENCE);
      });
    } catch (cause) {
      if (finished) return;
      if (outer.aborted || cause instanceof ChatError) throw cause;
      throw new ChatError('network', '', { lost: true });
    } finally {
      clearTimeout(timer);
      outer.removeEventListener('abort', stop);
    }
    if (!finished) throw new ChatError('network', '', { lost: true });
  }
}

/** @param {Response} response */
async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  const error = answer && typeof answer === 'object' ? answer.error ?? {} : {};
  const retryAfter = Math.min(Number(response.headers.get('Retry-After')) || 0, 3600);
  const lost = [502, 503, 504].includes(response.status);
  return new ChatError(error.code ?? (lost ? 'try_again' : 'error'), error.message ?? '', { lost, retryAfter, status: response.status, field: error.field });
}

/**
 * The events of an answer that a proxy or server sent in one piece.
 * @param {any} answer
 * @returns {ChatEvent[]}
 */
function wholeAnswer(answer) {
  return [
    { type: 'start', messageId: String(answer.messageId ?? '') },
    { type: 'replace', text: String(answer.reply ?? '') },
    { type: 'sources', sources: answer.sources ?? [] },
    ...(answer.parts ?? []).map((/** @type {Part} */ part) => ({ type: /** @type {const} */ ('part'), part })),
    { type: 'done', refused: answer.refused, mode: answer.mode, status: answer.status },
  ];
}
