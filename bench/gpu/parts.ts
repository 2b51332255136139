import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fixture } from '../../test/support/fixtures.js';
import { writeRandomWeights } from '../../test/support/random-encoders.js';
import { writeRandomSam } from '../../test/support/sam-layout.js';
import type { EncodeTask, SegmentTask } from './settings.js';

export interface Part {
  name: string;
  kind: 'encode' | 'segment';
  task: EncodeTask | SegmentTask;
  /** Rows of the files that are compared. */
  rows: number;
  /** Figures in which more is better. */
  rates: readonly string[];
  /** Features of PyTorch in fp32 that all others are compared with. */
  reference: string;
  /** Writes the weights if they are missing. */
  prepare(): void;
}

export interface Sizes {
  device: 'cuda' | 'cpu';
  tiny: boolean;
  /** Of weights, pixels and features. */
  folder: string;
  /** Spent on each figure. */
  seconds: number;
}

/** The parts, the most important first: what the budget does not reach is left out. */
export function partsOf(sizes: Sizes): Part[] {
  const networks = sizes.tiny ? ['tiny', 'resnet50'] : ['vit-l', 'vit-g', 'resnet50'];
  const precisions = ['fp32', 'fp16'] as const;
  const encoders = networks.flatMap((network) =>
    precisions.map((precision) => encoderPart(network, precision, sizes)),
  );
  const [first, ...others] = encoders;
  return [first, samPart(sizes), ...others];
}

function encoderPart(network: string, precision: EncodeTask['precision'], sizes: Sizes): Part {
  const weights = join(sizes.folder, `${network}.safetensors`);
  const features = (name: string): string => join(sizes.folder, `${network}-${name}.features`);
  const batch = sizes.tiny ? 4 : 64;
  return {
    name: `${network} ${precision}`,
    kind: 'encode',
    rows: batch,
    rates: ['patches_per_s'],
    reference: `${features('fp32')}.eager`,
    task: {
      network,
      weights,
      precision,
      device: sizes.device,
      pixels: join(sizes.folder, 'pixels'),
      patches: batch * 4,
      batch,
      seconds: sizes.seconds,
      features: features(precision),
      // Compiling for a CPU takes minutes.
      modes: sizes.device === 'cpu' ? ['eager'] : ['eager', 'compiled'],
    },
    prepare: () => {
      if (!existsSync(weights)) writeRandomWeights(network, weights);
    },
  };
}

function samPart({ device, tiny, folder, seconds }: Sizes): Part {
  const weights = tiny ? fixture('sam/sam_small.safetensors') : join(folder, 'vit_h.safetensors');
  const features = join(folder, 'sam.features');
  const points = tiny ? 64 : 1024;
  return {
    name: tiny ? 'SAM small' : 'SAM vit_h',
    kind: 'segment',
    rows: 64 * 3,
    rates: ['images_per_s', 'points_per_s'],
    reference: `${features}.eager`,
    task: {
      weights,
      device,
      pixels: join(folder, 'pixels'),
      imageSize: tiny ? 256 : 1024,
      decoderHeads: tiny ? 4 : 8,
      points,
      seconds,
      features,
    },
    prepare: () => {
      if (!existsSync(weights)) writeRandomSam(weights, 'vit_h');
    },
  };
}
