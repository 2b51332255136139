import { SamMilError } from '../../../errors.js';
import { weightsEntry } from '../../../machine/weights/manifest.js';
import { findWeights } from '../../../machine/weights/weights-store.js';
import { type Architecture, ARCHITECTURES, type ArchitectureName } from './architectures.js';
import { openCheckpointEncoder, writeCheckpointModel } from './checkpoint-encoder.js';
import type { EncoderDefinition, EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';

/** An encoder whose weights a person fetches or imports under its name. */
interface ManifestEncoder {
  name: string;
  architecture: ArchitectureName;
  dim: number;
}

/** ResNet-50 (ImageNet) cut after its third stage: CLAM's encoder, and the paper's first. As the weights are on this machine now. */
export function resNet50(): EncoderDefinition {
  return definitionOf({ name: 'resnet50', architecture: 'resnet50', dim: 1024 });
}

/** PLIP's vision tower with its projection, not brought to length 1: the paper's second encoder. As the weights are on this machine now. */
export function plip(): EncoderDefinition {
  return definitionOf({ name: 'plip', architecture: 'clip-vit', dim: 512 });
}

function definitionOf({ name, architecture, dim }: ManifestEncoder): EncoderDefinition {
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

/** Undefined where `bring` would throw: an import must be able to mend what is missing or damaged. */
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
    throw new SamMilError('Unavailable', `the weights of ${info.name} were exchanged a moment ago`, {
      file: path,
      expected: info.weightsDigest ?? 'none',
      found: digest,
      next: 'the step is tried again with the new ones',
    });
  }
  return openCheckpointEncoder(info, { architecture, path }, options);
}
