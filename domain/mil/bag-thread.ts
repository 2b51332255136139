import { parentPort } from 'node:worker_threads';
import type { ReadAnswer, ReadTask } from './bag-reader.js';
import { loadBag, type HostBag } from './bags.js';

/** The thread of {@link BagReader}: reads and checks bags, and hands their memory over without a copy. */
parentPort?.on('message', (message: ReadTask | 'close') => {
  if (message === 'close') {
    parentPort?.close();
    return;
  }
  const { id, entry, groupFeatures } = message;
  let bag: HostBag;
  try {
    bag = loadBag(entry, { groupFeatures });
  } catch {
    parentPort?.postMessage({ id } satisfies ReadAnswer);
    return;
  }
  // A view of a larger buffer, such as a .pt file's, would take the whole of it along.
  const whole = bag.features.byteLength === bag.features.buffer.byteLength;
  const features = whole ? bag.features : bag.features.slice();
  const answer: ReadAnswer = { id, bag: { ...bag, features } };
  parentPort?.postMessage(answer, [features.buffer as ArrayBuffer]);
});
