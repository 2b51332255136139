import { SamMilError } from '../../../errors.js';
import type { HubEncoderName } from '../../../machine/weights/hub-encoders.js';
import { weightsEntry } from '../../../machine/weights/manifest.js';
import type { WeightsEntry } from '../../../machine/weights/weights-entry.js';
import { findWeights } from '../../../machine/weights/weights-store.js';
import { type Architecture, ARCHITECTURES } from './architectures.js';
import { type Checkpoint, openCheckpointEncoder, writeCheckpointModel } from './checkpoint-encoder.js';
import type { EncoderDefinition, EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';
import { NORMALIZATIONS, PUBLISHED_ENCODERS, type PublishedEncoder } from './published-encoders.js';

/** An encoder whose weights the user downloads or imports by its name. */
interface ManifestEncoder {
  weights: WeightsEntry;
  network: Omit<Checkpoint, 'path'>;
  /** What differs from the defaults of the architecture. */
  info: Pick<EncoderInfo, 'dim'> & Partial<EncoderInfo>;
}

/**
 * ResNet-50 (ImageNet) truncated after its third stage, the encoder of CLAM and the first one of the paper.
 * Reads the current weights.
 */
export function resNet50(): EncoderDefinition {
  const weights = weightsEntry('resnet50');
  return defineEncoder({ weights, network: { architecture: 'resnet50' }, info: { dim: 1024 } });
}

/**
 * Vision tower of PLIP with its projection, without scaling to unit length; the second encoder of the paper.
 * Reads the current weights.
 */
export function plip(): EncoderDefinition {
  const weights = weightsEntry('plip');
  return defineEncoder({ weights, network: { architecture: 'clip-vit' }, info: { dim: 512 } });
}

/** A published vision transformer. Reads the current weights. */
export function publishedEncoder(name: HubEncoderName): EncoderDefinition {
  return visionTransformer(weightsEntry(name), PUBLISHED_ENCODERS[name]);
}

/** A vision transformer, with weights of the manifest or of an entry of one's own. */
export function visionTransformer(weights: WeightsEntry, encoder: PublishedEncoder): EncoderDefinition {
  const { vit, dim, normalization, resize, inputSize = 224, resizeTo, precision, expects } = encoder;
  const { version } = ARCHITECTURES.vit;
  return defineEncoder({
    weights,
    network: { architecture: 'vit', vit },
    info: {
      // In the key: these options determine the features as much as the weights do.
      architecture: { name: 'vit', version, ...vit },
      ...NORMALIZATIONS[normalization],
      ...{ dim, resize, inputSize, resizeTo, precision, expects },
    },
  });
}

function defineEncoder({ weights: entry, network, info: own }: ManifestEncoder): EncoderDefinition {
  const { defaults, version } = ARCHITECTURES[network.architecture] as Architecture;
  const { name, license, note } = entry;
  const info: EncoderInfo = {
    name,
    version,
    weightsDigest: digestNow(entry),
    ...defaults,
    license,
    note,
    ...own,
  };
  return {
    info,
    halfPrecision: true,
    prepare: async ({ path, folder }) => void writeCheckpointModel(info, { ...network, path }, folder),
    bring: async () => void findWeights(entry),
    open: (options) => open(info, entry, network, options),
  };
}

/** Undefined if `bring` would throw, so that an import can replace missing or damaged weights. */
function digestNow(entry: WeightsEntry): string | undefined {
  try {
    return findWeights(entry).digest;
  } catch {
    return undefined;
  }
}

async function open(
  info: EncoderInfo,
  entry: WeightsEntry,
  network: Omit<Checkpoint, 'path'>,
  options: EncoderOptions,
): Promise<OpenEncoder> {
  const { path, digest } = findWeights(entry);
  if (digest !== info.weightsDigest) {
    throw new SamMilError('Unavailable', `the weights of ${info.name} were just replaced`, {
      file: path,
      expected: info.weightsDigest ?? 'none',
      found: digest,
      next: 'the step is retried with the new weights',
    });
  }
  return openCheckpointEncoder(info, { ...network, path }, options);
}
