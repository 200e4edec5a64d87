/** Gives the unit tests a document; nothing of a browser is needed besides building nodes. */
import { parseHTML } from 'linkedom';

export const { document, window } = parseHTML('<!doctype html><html><body></body></html>');
globalThis.document = document;
