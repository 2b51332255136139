import { SamMilError } from '../../../errors.js';
import { weightsEntry } from '../../../machine/weights/manifest.js';
import { findWeights } from '../../../machine/weights/weights-store.js';
import { type Architecture, ARCHITECTURES, type ArchitectureName } from './architectures.js';
import { openCheckpointEncoder, writeCheckpointModel } from './checkpoint-encoder.js';
import type { EncoderDefinition, EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';

/** An encoder whose weights the user downloads or imports by its name. */
interface ManifestEncoder {
  name: string;
  architecture: ArchitectureName;
  dim: number;
}

/**
 * ResNet-50 (ImageNet) truncated after its third stage, the encoder of CLAM and the first one of the paper.
 * Reads the current weights.
 */
export function resNet50(): EncoderDefinition {
  return defineEncoder({ name: 'resnet50', architecture: 'resnet50', dim: 1024 });
}

/**
 * Vision tower of PLIP with its projection, without scaling to unit length; the second encoder of the paper.
 * Reads the current weights.
 */
export function plip(): EncoderDefinition {
  return defineEncoder({ name: 'plip', architecture: 'clip-vit', dim: 512 });
}

function defineEncoder({ name, architecture, dim }: ManifestEncoder): EncoderDefinition {
  const { defaults, version } = ARCHITECTURES[architecture] as Architecture;
  const { license, note } = weightsEntry(name);
  const info: EncoderInfo = {
    name,
    version,
    weightsDigest: digestNow(name),
    ...defaults,
    dim,
    license,
    note,
  };
  return {
    info,
    prepare: async ({ path, folder }) => void writeCheckpointModel(info, { architecture, path }, folder),
    bring: async () => void findWeights(name),
    open: (options) => open(info, architecture, options),
  };
}

/** Undefined if `bring` would throw, so that an import can replace missing or damaged weights. */
function digestNow(name: string): string | undefined {
  try {
    return findWeights(name).digest;
  } catch {
    return undefined;
  }
}

async function open(
  info: EncoderInfo,
  architecture: ArchitectureName,
  options: EncoderOptions,
): Promise<OpenEncoder> {
  const { path, digest } = findWeights(info.name);
  if (digest !== info.weightsDigest) {
    throw new SamMilError('Unavailable', `the weights of ${info.name} were just replaced`, {
      file: path,
      expected: info.weightsDigest ?? 'none',
      found: digest,
      next: 'the step is retried with the new weights',
    });
  }
  return openCheckpointEncoder(info, { architecture, path }, options);
}
