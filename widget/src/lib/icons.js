/** Outlines on a grid of 24 units, one constant each so that the loader carries only its own two. */

export const CHAT = 'M12 4c-5 0-9 3.3-9 7.5 0 2.3 1.2 4.3 3 5.7L5 21l4.4-2c7 1.4 11.6-2.7 11.6-7.5C21 7.3 17 4 12 4Z';
export const DOWN = 'm5.5 9 6.5 6.5L18.5 9';
export const CLOSE = 'm6 6 12 12M18 6 6 18';
export const MORE = 'M5.5 12h.01M12 12h.01M18.5 12h.01';
export const SEND = 'M12 19.5v-15m0 0-6 6m6-6 6 6';
export const STOP = 'M7.5 7.5h9v9h-9z';
export const COPY = 'M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9';
export const CHECK = 'm5 12.5 4.5 4.5L19 7.5';
export const THUMB_UP = 'M7.5 20V10.5l4-7c1.4 0 2.4 1.1 2.2 2.5l-.6 4h5.2c1.2 0 2.1 1.1 1.9 2.3l-1.1 6c-.2 1-1 1.7-2 1.7H7.5Zm0 0H4v-9.5h3.5';
export const THUMB_DOWN = 'M16.5 4v9.5l-4 7c-1.4 0-2.4-1.1-2.2-2.5l.6-4H5.7c-1.2 0-2.1-1.1-1.9-2.3l1.1-6c.2-1 1-1.7 2-1.7h9.6Zm0 0H20v9.5h-3.5';
export const ARROW = 'M5 12h14m-6-6 6 6-6 6';
export const OUT = 'M8 16 17 7m-7.5 0H17v7.5';
export const FILE = 'M13.5 3.5H6v17h12V8m-4.5-4.5L18 8m-4.5-4.5V8H18';
export const ALERT = 'M12 8v5m0 3.2v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z';
export const RETRY = 'M19 12a7 7 0 1 1-2.2-5.1M19 3.5V8h-4.5';
