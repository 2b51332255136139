import { parentPort, workerData } from 'node:worker_threads';
import { encodeError } from '../../machine/threads/wire-error.js';
import type { DecodeAnswer, DecodeTask } from './decode-messages.js';
import { PatchReader, type PatchSource } from './patch-reader.js';

/**
 * Decoding thread. It opens its own handle of the slide for the first task and ends on the message `close`.
 */
const source = workerData as PatchSource;
let reader: PatchReader | undefined;

parentPort?.on('message', (message: DecodeTask | 'close') => {
  if (message === 'close') {
    reader?.close();
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(answer(message));
});

function answer({ coords, pixels }: DecodeTask): DecodeAnswer {
  try {
    reader ??= new PatchReader(source);
    const sizes = source.fits.map(({ size }) => size * size * 3);
    for (let patch = 0; patch < coords.length / 2; patch++) {
      const into = sizes.map((bytes, fit) => pixels[fit].subarray(patch * bytes, (patch + 1) * bytes));
      reader.read(coords[2 * patch], coords[2 * patch + 1], into);
    }
    return {};
  } catch (error) {
    return { error: encodeError(error) };
  }
}
