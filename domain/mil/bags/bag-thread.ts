import { serveTasks } from '../../machine/threads/serve-tasks.js';
import { loadBag, type BagEntry, type HostBag } from './bags.js';

/** What the reading thread of a `BagCache` is asked. */
export interface ReadTask {
  entry: BagEntry;
  groupFeatures: boolean;
}

serveTasks(readBag, ({ features }) => [features.buffer]);

function readBag({ entry, groupFeatures }: ReadTask): HostBag {
  const bag = loadBag(entry, { groupFeatures });
  // A view of a larger buffer, such as a .pt file's, would take the whole of it along.
  const whole = bag.features.byteLength === bag.features.buffer.byteLength;
  return whole ? bag : { ...bag, features: bag.features.slice() };
}
