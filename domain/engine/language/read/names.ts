import { isName } from '../expressions/print.js';

/** Names of stages, steps, items and params: they stand after a dot in expressions, in workflow ids and in folder names. */

export const MAX_NAME = 64;

/** Why a text cannot name a stage, step, item or param; undefined where it can. */
export function nameFault(text: string): string | undefined {
  if (text === '') return 'the name is empty';
  if (text.length > MAX_NAME) return `the name is longer than ${MAX_NAME} characters`;
  if (text === '__proto__') return 'the name is reserved';
  if (isName(text)) return undefined;
  return 'a name begins with a letter or _ and goes on with letters, digits, _ and single hyphens inside';
}

/** Longest file name taken from an item or cell, in UTF-8 bytes: file systems take 255, endings need room. */
export const MAX_FILE_NAME = 200;

/** Why a text cannot be (part of) a file name on common file systems; undefined where it can. */
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
