/** Reads server-sent events from text that arrives in pieces of any size. */

export class EventParser {
  /** @param {(data: string) => void} onData gets the joined data lines of each event */
  constructor(onData) {
    this.onData = onData;
    this.rest = '';
    /** @type {string[]} */
    this.data = [];
    this.first = true;
  }

  /** @param {string} text */
  push(text) {
    if (this.first && text) {
      this.first = false;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    this.rest += text;
    for (;;) {
      const match = /\r\n|\n|\r/.exec(this.rest);
      if (!match) return;
      // A CR at the very end may be the first half of CRLF: wait for the next piece.
      if (match[0] === '\r' && match.index === this.rest.length - 1) return;
      const line = this.rest.slice(0, match.index);
      this.rest = this.rest.slice(match.index + match[0].length);
      this.line(line);
    }
  }

  /** @param {string} line */
  line(line) {
    if (line === '') {
      if (this.data.length) this.onData(this.data.join('\n'));
      this.data = [];
    } else if (line.startsWith('data:')) {
      this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
    } else if (line === 'data') {
      this.data.push('');
    }
    // Comments keep the connection open; other fields are not used by this protocol.
  }
}

/**
 * Feeds a byte stream to a parser; letters split between pieces stay whole.
 * @param {ReadableStream<Uint8Array>} stream
 * @param {(data: string) => void} onData
 * @param {() => void} [onBytes] called whenever anything arrived, comments included
 */
export async function readEvents(stream, onData, onBytes = () => {}) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser(onData);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      onBytes();
      parser.push(decoder.decode(value, { stream: true }));
    }
    parser.push(decoder.decode());
    // A last line that ends in a bare CR is complete now.
    if (parser.rest.endsWith('\r')) parser.push('\n');
  } finally {
    reader.cancel().catch(() => {});
  }
}
