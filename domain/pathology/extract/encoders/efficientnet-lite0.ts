import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digestOfFile } from '../../../digest.js';
import { findingText, SamMilError } from '../../../errors.js';
import { writeAtomic } from '../../../files/atomic.js';
import { tensorLayout } from '../../../files/torch/torch-layout.js';
import { weightsEntry } from '../../../machine/weights/manifest.js';
import { ensureWeights } from '../../../machine/weights/fetch-weights.js';
import { LITE0_DIM, efficientNetLite0Graph } from './efficientnet-lite0-graph.js';
import type { EncoderDefinition, EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';
import { modelInPrecision } from './model-in-precision.js';
import { openOnnxEncoder } from './onnx-encoder.js';

const NAME = 'efficientnet-lite0';

const DIGEST = `sha256:${weightsEntry(NAME).sha256}`;

const info: EncoderInfo = {
  name: NAME,
  version: 1,
  weightsDigest: DIGEST,
  inputSize: 224,
  resize: 'bilinear',
  // Normalization of the TensorFlow original: (value - 127) / 128.
  mean: [127 / 255, 127 / 255, 127 / 255],
  std: [128 / 255, 128 / 255, 128 / 255],
  dim: LITE0_DIM,
  license: 'Apache-2.0 (weights and original code)',
  note: 'trained on ImageNet photographs, not on pathology: a general image encoder',
};

/**
 * EfficientNet-Lite0: its last activation averaged over the patch, 1280 features. A graph refers to the
 * unmodified checkpoint.
 */
export const efficientNetLite0: EncoderDefinition = {
  info,
  halfPrecision: true,
  bring: async (log) => void (await weightsFile(log)),
  open: openLite0,
};

async function openLite0(options: EncoderOptions): Promise<OpenEncoder> {
  const weights = await weightsFile(() => undefined);
  const path = await lite0Model(weights, options.size ?? info.inputSize);
  const file = modelInPrecision(info, { path, model: readFileSync(path) }, options.precision);
  return openOnnxEncoder(info, { ...file, input: 'image', output: 'features' }, options);
}

/**
 * Returns the ONNX file for patches of `size`, with the outputs `features` and `logits`. It is next to the
 * checkpoint, because ONNX Runtime follows no other path, and is written if it is missing or differs.
 *
 * @param weights path of the checkpoint
 * @throws SamMilError InvalidInput if the checkpoint is not the pinned one
 */
export async function lite0Model(weights: string, size: number): Promise<string> {
  const found = await digestOfFile(weights);
  if (found !== DIGEST) {
    throw new SamMilError('InvalidInput', 'the weights are not the pinned weights of EfficientNet-Lite0', {
      file: weights,
      expected: DIGEST,
      found,
      next: `delete the folder ${dirname(weights)}; the weights are then downloaded again`,
    });
  }
  const path = join(dirname(weights), `${basename(weights, '.pth')}.v${info.version}.${size}.onnx`);
  const model = efficientNetLite0Graph(tensorLayout(weights), size);
  if (!existsSync(path) || !readFileSync(path).equals(model)) writeAtomic(path, model);
  return path;
}

async function weightsFile(log: (line: string) => void): Promise<string> {
  try {
    return await ensureWeights(NAME, log);
  } catch (cause) {
    if (!(cause instanceof SamMilError)) throw cause;
    throw new SamMilError('WeightsMissing', `the weights of ${info.name} are not on this machine`, {
      found: findingText(cause),
      next: 'run `npx sam-mil doctor --set-up` where packages can be downloaded, or choose `encoder: stain-texture`',
      cause,
    });
  }
}
