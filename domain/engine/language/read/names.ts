import { isName } from '../expressions/print.js';

/**
 * Names of stages, steps, items and params. They are used after a dot in expressions, in workflow ids and in
 * folder names.
 */

export const MAX_NAME = 64;

/** Returns why a text is not a valid name for a stage, step, item or param; undefined if it is valid. */
export function nameFault(text: string): string | undefined {
  if (text === '') return 'the name is empty';
  if (text.length > MAX_NAME) return `the name is longer than ${MAX_NAME} characters`;
  if (text === '__proto__') return 'the name is reserved';
  if (isName(text)) return undefined;
  return 'a name starts with a letter or _, contains only letters, digits, _ and -, and does not end with -';
}

/**
 * Maximum length of a file name made from an item or cell, in UTF-8 bytes. File systems allow 255; the rest
 * is for extensions.
 */
export const MAX_FILE_NAME = 200;

/** Returns why a text cannot be (part of) a file name on common file systems; undefined if it can. */
export function fileNameFault(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.startsWith('.')) return 'it begins with a dot';
  if (text !== text.trim()) return 'it begins or ends with a space';

  const bad = /[/\\:*?"<>|\u0000-\u001f\u007f]/.exec(text);
  if (bad) return `it contains ${JSON.stringify(bad[0])}`;
  if (new TextEncoder().encode(text).length > MAX_FILE_NAME)
    return `it is longer than ${MAX_FILE_NAME} bytes`;
  return undefined;
}
