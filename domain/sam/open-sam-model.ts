import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { SamMilError } from '../errors.js';
import { writeAtomic } from '../formats/atomic.js';
import { tensorLayout } from '../formats/torch-layout.js';
import { type Device, type OnnxSession, type Provider, openSession } from '../onnx/onnx-session.js';
import { type SamDesign, type SamHints, buildSamDecoder, buildSamEncoder, samDesign } from './sam-graph.js';
import type { SamEmbedding, SamMasks, SamModel } from './sam-model.js';
import { samInput, samPoints, scaledSize } from './sam-preprocess.js';

/** Part of the graphs' names: a new one where they change. */
const GRAPH_VERSION = 1;

/** Masks a point. */
const MASKS = 3;

/** A checkpoint of Segment Anything or MobileSAM: .pth of either format, .pt or .safetensors. */
export interface SamWeights extends SamHints {
  path: string;
  /** The checkpoint's own folder, where graphs that point into it are written. */
  folder: string;
  digest: string;
}

export interface SamOptions {
  device?: Device;
  threads?: number;
}

interface SamGraphs {
  design: SamDesign;
  encoder: string;
  decoder: string;
}

/**
 * Writes the two ONNX graphs of a checkpoint beside it, where they are missing or differ.
 * @throws SamMilError UnsupportedFormat naming the first tensor that does not fit
 */
export async function prepareSam(weights: SamWeights): Promise<void> {
  await Promise.resolve(writeGraphs(weights));
}

function writeGraphs(weights: SamWeights): SamGraphs {
  const { path, folder } = weights;
  if (resolve(dirname(path)) !== resolve(folder)) {
    throw new SamMilError(
      'InvalidInput',
      'a checkpoint and the graphs that point into it lie in one folder',
      {
        file: path,
        expected: folder,
      },
    );
  }
  const tensors = tensorLayout(path);
  const design = samDesign(tensors, weights);
  const stem = join(folder, basename(path, extname(path)));
  const write = (part: string, model: Uint8Array): string => {
    const file = `${stem}.${part}.v${GRAPH_VERSION}.onnx`;
    if (!existsSync(file) || !readFileSync(file).equals(model)) writeAtomic(file, model);
    return file;
  };
  // Both are built before either is written: a checkpoint that does not fit leaves nothing behind.
  const encoder = buildSamEncoder(tensors, weights);
  const decoder = buildSamDecoder(tensors, weights);
  return { design, encoder: write('encoder', encoder), decoder: write('decoder', decoder) };
}

/**
 * Opens Segment Anything's two networks; their graphs are written beside the checkpoint where they are not there yet. The networks are found from the
 * checkpoint's tensors.
 *
 * @throws SamMilError UnsupportedFormat naming the first tensor that does not fit; InvalidInput where the runtime can't load the model
 */
export async function openSamModel(weights: SamWeights, options: SamOptions = {}): Promise<SamModel> {
  const { design, encoder, decoder } = writeGraphs(weights);
  const { default: runtime } = await import('onnxruntime-node');
  const tensor: MakeTensor = (data, shape) => new runtime.Tensor('float32', data, shape);
  // An image needs a gigabyte for a moment: it is given back, which costs nothing beside the seconds of an encoding. The decoder's runs are short, and
  // getting their memory anew from the system would take half as long again.
  const images = await openSession(encoder, { ...options, arena: false, pattern: false });
  const points = await openSession(decoder, { ...options, device: images.provider.name, pattern: false });
  return new OnnxSam(design, images, points, tensor);
}

type MakeTensor = (data: Float32Array, shape: readonly number[]) => Tensor;

/**
 * Points of one run of the decoder: what lies between its layers is some 40 MB a point. Measured with vit_b: 4 take no longer a point than 64, in a
 * tenth of the memory.
 */
const POINTS_AT_A_TIME = 4;

class OnnxSam implements SamModel {
  readonly imageSize: number;
  readonly provider: Provider;
  private readonly design: SamDesign;
  private readonly images: OnnxSession;
  private readonly points: OnnxSession;
  private readonly tensor: MakeTensor;

  constructor(design: SamDesign, images: OnnxSession, points: OnnxSession, tensor: MakeTensor) {
    this.imageSize = design.imageSize;
    this.provider = images.provider;
    this.design = design;
    this.images = images;
    this.points = points;
    this.tensor = tensor;
  }

  async embed(rgb: Uint8Array, width: number, height: number): Promise<SamEmbedding> {
    const { imageSize } = this;
    const image = this.tensor(samInput(rgb, width, height, imageSize), [1, 3, imageSize, imageSize]);
    const { embedding } = await this.images.session.run({ image }, ['embedding']);
    const scaled = scaledSize(width, height, imageSize);
    return {
      data: embedding.data as Float32Array,
      shape: [...embedding.dims],
      width,
      height,
      scaledWidth: scaled.width,
      scaledHeight: scaled.height,
    };
  }

  async decode(embedding: SamEmbedding, points: Float64Array): Promise<SamMasks> {
    const side = this.design.grid * 4;
    const count = points.length / 2;
    const scaled = { width: embedding.scaledWidth, height: embedding.scaledHeight };
    const places = samPoints(points, embedding, scaled, this.imageSize);
    const image = this.tensor(embedding.data, embedding.shape);
    const logits = new Float32Array(count * MASKS * side * side);
    const iou = new Float32Array(count * MASKS);
    for (let from = 0; from < count; from += POINTS_AT_A_TIME) {
      const some = places.subarray(from * 2, (from + POINTS_AT_A_TIME) * 2);
      const feeds = { embedding: image, points: this.tensor(some, [some.length / 2, 2]) };
      const masks = await this.points.session.run(feeds, ['logits', 'iou']);
      logits.set(masks.logits.data as Float32Array, from * MASKS * side * side);
      iou.set(masks.iou.data as Float32Array, from * MASKS);
    }
    return { logits, side, iou };
  }

  async close(): Promise<void> {
    await this.images.session.release();
    await this.points.session.release();
  }
}
