import { parentPort } from 'node:worker_threads';
import type { H5Answer, H5Task } from './h5-files.js';
import { writeH5Content } from './write-h5.js';

/** The thread of {@link H5Files}. What it could not write the caller tries itself, and so meets the error first hand. */
parentPort?.on('message', ({ id, path, content }: H5Task) => {
  let written = true;
  try {
    writeH5Content(path, content);
  } catch {
    written = false;
  }
  parentPort?.postMessage({ id, written } satisfies H5Answer);
});
