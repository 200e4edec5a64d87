/** Keeps the session id on the visitor's device, for this page only where storage is blocked. */

/** The storage, or null: touching it already throws in some private modes. */
export function deviceStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export class Session {
  /**
   * @param {string} bot
   * @param {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null} [storage]
   */
  constructor(bot, storage = deviceStorage()) {
    this.key = `webchatagent:${bot}:session`;
    this.storage = storage;
    /** @type {string | null} */
    this.memory = null;
    this.stored = false;
  }

  /** The id, or null before the first answer. Another tab may have ended the chat, so storage is asked each time. */
  get id() {
    try {
      const value = this.storage?.getItem(this.key) ?? null;
      if (value !== null && /^[\w-]{8,128}$/.test(value)) return value;
      if (this.stored) this.memory = null;
    } catch {
      // Blocked: the copy in memory serves this page.
    }
    return this.memory;
  }

  /** @param {string | null} id as the server sent it */
  keep(id) {
    if (!id || !/^[\w-]{8,128}$/.test(id)) return;
    this.memory = id;
    try {
      this.storage?.setItem(this.key, id);
      this.stored = this.storage !== null;
    } catch {
      this.stored = false;
    }
  }

  clear() {
    this.memory = null;
    this.stored = false;
    try {
      this.storage?.removeItem(this.key);
    } catch {
      // Nothing was stored then.
    }
  }
}
