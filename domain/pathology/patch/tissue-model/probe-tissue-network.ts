import { readTissueModel } from './tissue-model.js';
import { openTissueNetwork } from './tissue-network.js';

/** For a check before the run: opens the network on the CPU, runs it once and closes it. */
export async function probeTissueNetwork(path: string): Promise<true> {
  const network = await openTissueNetwork(readTissueModel(path), { device: 'cpu' });
  await network.close();
  return true;
}
