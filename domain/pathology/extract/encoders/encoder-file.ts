import { SamMilError } from '../../../errors.js';
import { keyReader } from '../../../machine/reader/reader-process.js';
import { digestWeights } from '../../../machine/weights/digest-weights.js';
import { type Architecture, ARCHITECTURES } from './architectures.js';
import { openCheckpointEncoder } from './checkpoint-encoder.js';
import type { EncoderDefinition, EncoderInfo } from './encoder.js';
import type { EncoderFile } from './encoder-file-keys.js';
import type { CheckpointFacts, OnnxFacts, readEncoderFacts } from './encoder-facts.js';
import { openOnnxEncoder } from './onnx-encoder.js';

const FACTS = new URL('./encoder-facts.js', import.meta.url).href;

/**
 * Reads an encoder from a YAML or JSON file: an ONNX model with its size, mean, std and dim, or a checkpoint
 * with its architecture. The identity of the encoder includes the digest of the model and of all its weight
 * files.
 *
 * @throws SamMilError InvalidInput naming every key that is missing, unknown or malformed; WeightsMissing if
 * a file is missing; UnsupportedFormat if a file is not what the encoder file states
 */
export async function readEncoderFile(path: string): Promise<EncoderDefinition> {
  // The engine asks for every item, and models have gigabytes or may be damaged.
  const reading = { module: FACTS, name: 'readEncoderFacts', file: path };
  const facts = await keyReader.call<typeof readEncoderFacts>(reading, path);
  return 'sizes' in facts ? checkpointDefinition(facts, path) : onnxDefinition(facts, path);
}

async function onnxDefinition({ file, files }: OnnxFacts, path: string): Promise<EncoderDefinition> {
  const [model] = files;
  const info: EncoderInfo = {
    ...named(file),
    version: file.version,
    weightsDigest: await digestWeights(files),
    inputSize: file.size,
    resize: file.resize ?? 'bilinear',
    ...cut(file, file.size, path),
    ...expected(file, path),
    mean: file.mean,
    std: file.std,
    dim: file.dim,
  };
  return {
    info,
    bring: async () => undefined,
    open: (options) =>
      openOnnxEncoder(info, { path: model, input: file.input, output: file.output }, options),
  };
}

async function checkpointDefinition(
  { file, checkpoint, files, sizes, image }: CheckpointFacts,
  path: string,
): Promise<EncoderDefinition> {
  const { architecture, headWidth, activation, prefix, vit } = checkpoint;
  const { defaults, version } = ARCHITECTURES[architecture] as Architecture;
  const weightsDigest = await digestWeights(files);
  const inputSize = file.size ?? sizes.size ?? sizes.native ?? defaults.inputSize;
  const info: EncoderInfo = {
    ...named(file),
    version: file.version,
    weightsDigest,
    architecture: {
      name: architecture,
      version,
      'head-width': headWidth ?? null,
      ...(activation && { activation }),
      ...(prefix !== undefined && { prefix }),
      ...(vit && { vit: { ...vit } }),
    },
    inputSize,
    resize: file.resize ?? image?.resize ?? defaults.resize,
    ...cut(file, inputSize, path),
    ...expected(file, path),
    mean: file.mean ?? image?.mean ?? defaults.mean,
    std: file.std ?? image?.std ?? defaults.std,
    dim: file.dim ?? sizes.dim,
  };
  return {
    info,
    halfPrecision: true,
    bring: async () => undefined,
    open: (options) => openCheckpointEncoder(info, checkpoint, options),
  };
}

function named({ name, license, note }: EncoderFile): Pick<EncoderInfo, 'name' | 'license' | 'note'> {
  return { name, license, note };
}

/** @throws SamMilError InvalidInput for a crop that is larger than the resized patch */
function cut({ resizeTo }: EncoderFile, size: number, file: string): Pick<EncoderInfo, 'resizeTo'> {
  if (resizeTo === undefined || resizeTo >= size) return { resizeTo };
  throw new SamMilError('InvalidInput', '`resize-to` is smaller than the part that is cut out', {
    file,
    expected: `at least \`size\`, ${size}`,
    found: `${resizeTo}`,
  });
}

/** @throws SamMilError InvalidInput if only the size or only the resolution is given */
function expected({ patchSize, mpp }: EncoderFile, file: string): Pick<EncoderInfo, 'expects'> {
  if (patchSize === undefined && mpp === undefined) return {};
  if (patchSize !== undefined && mpp !== undefined)
    return { expects: { side: patchSize, mpp: typeof mpp === 'number' ? [mpp] : mpp } };
  throw new SamMilError('InvalidInput', 'the expected patches are incomplete', {
    file,
    expected: '`patch-size` and `mpp`, or neither',
    found: `only \`${mpp === undefined ? 'patch-size' : 'mpp'}\``,
  });
}
