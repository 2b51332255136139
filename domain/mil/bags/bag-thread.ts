import { serveTasks } from '../../machine/threads/serve-tasks.js';
import { loadBag, type BagEntry, type HostBag } from './bags.js';

/** A request to the reading thread of a `BagCache`. */
export interface ReadTask {
  entry: BagEntry;
  groupFeatures: boolean;
}

serveTasks(readBag, ({ features }) => [features.buffer]);

function readBag({ entry, groupFeatures }: ReadTask): HostBag {
  const bag = loadBag(entry, { groupFeatures });
  // Transferring a view, such as one of a .pt file, would transfer its whole buffer.
  const whole = bag.features.byteLength === bag.features.buffer.byteLength;
  return whole ? bag : { ...bag, features: bag.features.slice() };
}
