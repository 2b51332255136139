import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { SamMilError } from '../../../errors.js';
import { tensorLayout } from '../../../files/torch/torch-layout.js';
import { noteDevice } from '../../../machine/usage.js';
import { digestWeights } from '../../../machine/weights/digest-weights.js';
import { weightsEntry } from '../../../machine/weights/manifest.js';
import { findWeights } from '../../../machine/weights/weights-store.js';
import { AUTOMATIC_MASKS_VERSION, automaticMasks } from './automatic-masks.js';
import { prepareSam, type SamWeights } from './network/open-sam-model.js';
import { checkPublishedDesign } from './network/published-designs.js';
import type { SegmenterDefinition, SegmenterInfo } from '../segmenter/segmenter.js';
import { presentWeights, readSegmenterFile } from '../segmenter/segmenter-file.js';
import { sharedSamModel } from './network/shared-sam-model.js';

/**
 * A published SAM or MobileSAM whose weights the user downloads or imports by its name. Reads the current
 * weights.
 */
export function publishedSam(name: string): SegmenterDefinition {
  const { license, note } = weightsEntry(name);
  const info: SegmenterInfo = {
    name,
    version: AUTOMATIC_MASKS_VERSION,
    weightsDigest: digestNow(name),
    license,
    note,
  };
  return {
    info,
    bring: async () => void findWeights(name),
    prepare: async (weights) => {
      checkPublishedDesign(name, tensorLayout(weights.path), weights.path);
      await prepareSam(weights);
    },
    segment: segmentBy(info, async () => findWeights(name)),
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

/**
 * Creates a segmenter from a custom checkpoint that a YAML or JSON file describes. The identity of the
 * segmenter includes the digest of the checkpoint.
 *
 * @throws SamMilError InvalidInput naming every invalid key; WeightsMissing if the checkpoint is missing
 */
export async function readCustomSam(path: string): Promise<SegmenterDefinition> {
  const file = readSegmenterFile(path);
  const { decoderHeads, imageSize, prefix, ignore } = file;
  const hints = { decoderHeads, imageSize, prefix, ignore };
  const info: SegmenterInfo = {
    name: file.name,
    version: file.version,
    weightsDigest: await digestWeights([presentWeights(file, path)]),
    network: {
      version: AUTOMATIC_MASKS_VERSION,
      decoderHeads: decoderHeads ?? null,
      imageSize: imageSize ?? null,
      ...(prefix !== undefined && { prefix }),
    },
    license: file.license,
    note: file.note,
  };
  const find = async (): Promise<SamWeights> => ({
    path: file.weights,
    folder: dirname(file.weights),
    digest: await digestWeights([presentWeights(file, path)]),
    ...hints,
  });
  return {
    info,
    bring: async () => undefined,
    prepare: async (weights) => prepareSam({ ...weights, ...hints }),
    segment: segmentBy(info, find),
  };
}

function segmentBy(info: SegmenterInfo, find: () => Promise<SamWeights>): SegmenterDefinition['segment'] {
  return async (image, parameters, context) => {
    const weights = await find();
    if (weights.digest !== info.weightsDigest) throw exchanged(info, weights);
    const { device, threads = availableParallelism() } = context;
    const model = await sharedSamModel(weights, { device, threads });
    noteDevice(model.provider.name);
    context.log(`segmenter ${info.name} runs on ${model.provider.name} (${model.provider.why})`);
    const { masks, stages } = await automaticMasks(model, weights.digest, image, parameters, context);
    const candidates = stages.reduce((sum, stage) => sum + stage.candidates, 0);
    context.log(`kept ${masks.length} of ${candidates} masks from ${stages.length} crops`);
    return masks;
  };
}

function exchanged(info: SegmenterInfo, { path, digest }: SamWeights): SamMilError {
  return new SamMilError('Unavailable', `the weights of ${info.name} were just replaced`, {
    file: path,
    expected: info.weightsDigest ?? 'none',
    found: digest,
    next: 'the step is retried with the new weights',
  });
}
