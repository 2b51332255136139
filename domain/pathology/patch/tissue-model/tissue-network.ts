import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { failedRun } from '../../../machine/onnx/failed-run.js';
import { checkImageInput, choosePorts, portRefusal } from '../../../machine/onnx/model-ports.js';
import { createNormalizer } from '../../../machine/onnx/normalize-pixels.js';
import { openSession, type Device, type Provider } from '../../../machine/onnx/onnx-session.js';
import { loadOnnxRuntime } from '../../../machine/onnx-runtime.js';
import type { TissueFile } from './tissue-file.js';
import type { TissueModel } from './tissue-model.js';

/** The scores of a tile: tissue and artifact, each (size / stride)^2, row-major, 0 to 1. */
export interface TileScores {
  tissue: Float32Array;
  artifact: Float32Array;
}

/** A loaded model. Calls of `score` must not overlap. */
export interface TissueNetwork {
  readonly provider: Provider;
  /** Pixels of the tile, per axis, for one pixel of the output. */
  readonly stride: number;
  /** @param rgb size x size x 3 */
  score(rgb: Uint8Array): Promise<TileScores>;
  close(): Promise<void>;
}

const AFTER_FAILURE = {
  device: 'the step is retried; choose `device: cpu` if the model does not fit into the memory of the GPU',
  model: 'correct `size` of the tissue model file, or export the model for this size of tiles',
};

/**
 * Opens the network and runs it on a white tile, which tells the size of its output.
 * @throws SamMilError InvalidInput if the model does not load, does not run, or does not match the file
 */
export async function openTissueNetwork(
  { file, files: [path] }: TissueModel,
  options: { device?: Device; threads?: number },
): Promise<TissueNetwork> {
  const { session, provider } = await openSession(path, options);
  try {
    const { size, axes } = file;
    const request = { path, input: file.input, output: file.output };
    const { input, output } = choosePorts(session, request);
    checkImageInput(request, session.inputMetadata, input, {
      sizes: axes === 'nchw' ? [undefined, 3, size, size] : [undefined, size, size, 3],
      next: 'correct `size` or `axes` of the tissue model file',
    });
    const infer = await inference(session, { path, input, output, provider, file });
    const probe = await infer(new Uint8Array(size * size * 3).fill(255));
    const stride = outputStride(probe, file, path, output);
    return {
      provider,
      stride,
      score: async (rgb) => toScores(await infer(rgb), file, (size / stride) ** 2),
      close: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

interface Inference {
  path: string;
  input: string;
  output: string;
  provider: Provider;
  file: TissueFile;
}

async function inference(
  session: InferenceSession,
  { path, input, output, provider, file }: Inference,
): Promise<(rgb: Uint8Array) => Promise<Tensor>> {
  const runtime = await loadOnnxRuntime();
  const { size, axes } = file;
  const dims = axes === 'nchw' ? [1, 3, size, size] : [1, size, size, 3];
  const fill = tensorFiller(file);
  return async (rgb) => {
    const values = new Float32Array(size * size * 3);
    fill(rgb, values);
    const feeds = { [input]: new runtime.Tensor('float32', values, dims) };
    const results = await session.run(feeds, [output]).catch((cause: unknown) => {
      throw failedRun({ path, provider, dims, next: AFTER_FAILURE }, cause);
    });
    return results[output];
  };
}

/** Normalizes pixels and puts the colors where the model expects them. */
function tensorFiller({ size, mean, std, channels, axes }: TissueFile) {
  const tables = createNormalizer(mean, std);
  const pixels = size * size;
  return (rgb: Uint8Array, into: Float32Array): void => {
    tables.forEach((table, color) => {
      const place = channels === 'rgb' ? color : 2 - color;
      const [start, step] = axes === 'nchw' ? [place * pixels, 1] : [place, 3];
      for (let i = 0, at = start; i < pixels; i++, at += step) into[at] = table[rgb[3 * i + color]];
    });
  };
}

/** @throws SamMilError InvalidInput if the output is not one score per class and pixel */
function outputStride(
  { type, dims }: Tensor,
  { classes, size, axes }: TissueFile,
  path: string,
  output: string,
): number {
  // One class may have no axis.
  const shape = dims.length === 3 && classes.length === 1 ? [dims[0], 1, dims[1], dims[2]] : dims;
  const [count, height, width] =
    axes === 'nchw' || dims.length === 3 ? shape.slice(1) : [shape[3], shape[1], shape[2]];
  const stride = size / height;
  const fits =
    type === 'float32' && shape.length === 4 && height === width && stride >= 1 && Number.isInteger(stride);
  const expected = `float32 [1, ${axes === 'nchw' ? `${classes.length}, h, w` : `h, w, ${classes.length}`}] with h = w = ${size} or a whole fraction of it`;
  const found = `${type} [${dims.join(', ')}]`;
  if (!fits) {
    throw portRefusal({ path }, `output ${output} of the model is not one score per class and pixel`, {
      expected,
      found,
      next: 'correct `size`, `axes` or `output` of the tissue model file, or export the model without argmax',
    });
  }
  if (count !== classes.length) {
    throw portRefusal({ path }, `output ${output} of the model has another number of classes than the file`, {
      expected,
      found,
      next: `name all ${count} classes of the model in \`classes\`, in their order`,
    });
  }
  return stride;
}

/**
 * Scores of an output of `pixels` pixels. With softmax and none, the scores of several classes add up; with
 * sigmoid, the largest counts.
 */
function toScores({ data }: Tensor, file: TissueFile, pixels: number): TileScores {
  const { classes, tissue, artifact, activation, axes } = file;
  const values = data as Float32Array;
  const n = classes.length;
  const isTissue = classes.map((name) => tissue.includes(name));
  const isArtifact = classes.map((name) => artifact.includes(name));
  const [pixelStep, classStep] = axes === 'nchw' ? [1, pixels] : [n, 1];
  const scores: TileScores = { tissue: new Float32Array(pixels), artifact: new Float32Array(pixels) };
  const one = new Float64Array(n);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < n; c++) one[c] = values[i * pixelStep + c * classStep];
    activate(one, activation);
    for (let c = 0; c < n; c++) {
      const into = isTissue[c] ? scores.tissue : isArtifact[c] ? scores.artifact : undefined;
      if (into === undefined) continue;
      into[i] = activation === 'sigmoid' ? Math.max(into[i], one[c]) : into[i] + one[c];
    }
  }
  return scores;
}

function activate(values: Float64Array, activation: TissueFile['activation']): void {
  if (activation === 'none') return;
  if (activation === 'sigmoid') {
    for (let c = 0; c < values.length; c++) values[c] = 1 / (1 + Math.exp(-values[c]));
    return;
  }
  const most = values.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let c = 0; c < values.length; c++) sum += values[c] = Math.exp(values[c] - most);
  for (let c = 0; c < values.length; c++) values[c] /= sum;
}
