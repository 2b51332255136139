import { SamMilError } from '../../../domain/errors.js';
import { KINDS } from './kinds.js';

/** One file to read, sent to the child. */
export interface Reading {
  kind: string;
  path: string;
}

/** What became of it. `crash` and `hang` are seen by the parent. */
export interface Answer {
  outcome: 'accepted' | 'refused' | 'other-error';
  message: string;
}

/** This is a program: it reads the files that its parent names, one at a time, with the product's readers. */
async function answer({ kind, path }: Reading): Promise<Answer> {
  try {
    await KINDS[kind].read(path);
    return { outcome: 'accepted', message: '' };
  } catch (error) {
    if (error instanceof SamMilError) return { outcome: 'refused', message: error.message };
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { outcome: 'other-error', message: message.slice(0, 1000) };
  }
}

process.on('message', (reading: Reading) => {
  void answer(reading).then((found) => process.send?.(found));
});
process.on('disconnect', () => process.exit(0));
