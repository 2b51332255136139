import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Tensor } from 'onnxruntime-common';
import { SamMilError } from '../../../../errors.js';
import { writeAtomic } from '../../../../files/atomic.js';
import { tensorLayout } from '../../../../files/torch/torch-layout.js';
import {
  type Device,
  type OnnxSession,
  type Provider,
  openSession,
} from '../../../../machine/onnx/onnx-session.js';
import { type NetworkNames, networkTensors } from '../../../../machine/onnx/network-tensors.js';
import { loadOnnxRuntime } from '../../../../machine/onnx-runtime.js';
import { type SamDesign, type SamHints, buildSamDecoder, buildSamEncoder, samDesign } from './sam-graph.js';
import type { SamEmbedding, SamMasks, SamModel } from './sam-model.js';
import { samInput, samPoints, scaledSize } from './sam-preprocess.js';

const SAM_NAMES: NetworkNames = {
  anchor: 'prompt_encoder.no_mask_embed.weight',
  unused: [
    // Prompts are foreground points, and each gives three masks.
    /^prompt_encoder\.(mask_downscaling|point_embeddings|not_a_point_embed)\./,
    /^mask_decoder\.output_hypernetworks_mlps\.0\./,
    // The head with which TinyViT was trained to classify, and its indexes.
    /^image_encoder\.(norm_head|head)\./,
    /^pixel_(mean|std)$/,
  ],
};

/** Masks per point. */
const MASKS = 3;

/** A checkpoint of Segment Anything or MobileSAM: .pth of either format, .pt or .safetensors. */
export interface SamWeights extends SamHints {
  path: string;
  /** Folder of the checkpoint, where {@link prepareSam} writes graphs that refer to it. */
  folder: string;
  digest: string;
}

export interface SamOptions {
  device?: Device;
  threads?: number;
}

interface SamGraphs {
  design: SamDesign;
  encoder: Uint8Array;
  decoder: Uint8Array;
}

/**
 * Writes the two ONNX graphs of a checkpoint into its folder if they are missing or differ, for use by other
 * programs; {@link openSamModel} does not need these files. Both graphs are built before either is written.
 *
 * @throws SamMilError as {@link openSamModel} if the checkpoint does not fit
 */
export async function prepareSam(weights: SamWeights): Promise<void> {
  const { path, folder } = weights;
  if (resolve(dirname(path)) !== resolve(folder)) {
    throw new SamMilError('InvalidInput', 'the checkpoint is not in the folder of its graphs', {
      file: path,
      expected: folder,
    });
  }
  const { encoder, decoder } = buildGraphs(weights);
  await writeWhereNew(join(folder, `${basename(path)}.encoder.onnx`), encoder);
  await writeWhereNew(join(folder, `${basename(path)}.decoder.onnx`), decoder);
}

async function writeWhereNew(path: string, model: Uint8Array): Promise<void> {
  const there = await readFile(path).catch(() => undefined);
  if (there?.equals(model) !== true) writeAtomic(path, model);
}

function buildGraphs(weights: SamWeights): SamGraphs {
  const tensors = networkTensors(tensorLayout(weights.path), SAM_NAMES, weights);
  const graphs = {
    design: samDesign(tensors, weights),
    encoder: buildSamEncoder(tensors, weights),
    decoder: buildSamDecoder(tensors, weights),
  };
  tensors.refuseUnread(SAM_NAMES);
  return graphs;
}

/**
 * Opens the two networks of Segment Anything. The tensors of the checkpoint determine the architecture and
 * all sizes.
 *
 * @throws SamMilError UnsupportedFormat naming the first tensor that is missing or has the wrong shape;
 * InvalidInput if the number of decoder heads must be specified or the runtime cannot load the model
 */
export async function openSamModel(weights: SamWeights, options: SamOptions = {}): Promise<SamModel> {
  const { design, encoder, decoder } = buildGraphs(weights);
  const runtime = await loadOnnxRuntime();
  const tensor: MakeTensor = (data, shape) => new runtime.Tensor('float32', data, shape);
  // An image briefly needs a gigabyte, which is returned at negligible cost compared to the encoding. The
  // decoder keeps its memory: its runs are short, and allocating memory each time would take half as long
  // again.
  const images = await openSession(weights.path, {
    ...options,
    model: encoder,
    arena: false,
    pattern: false,
  });
  try {
    const { name } = images.provider;
    const points = await openSession(weights.path, {
      ...options,
      model: decoder,
      device: name,
      pattern: false,
    });
    return new OnnxSam(design, images, points, tensor);
  } catch (error) {
    await images.session.release();
    throw error;
  }
}

type MakeTensor = (data: Float32Array, shape: readonly number[]) => Tensor;

/**
 * Points per run of the decoder, whose activations take about 40 MB per point. Measured with vit_b on the
 * CPU, 4 points take no longer per point than 64 and a tenth of the memory. Graphics cards need larger
 * batches.
 */
const POINTS_AT_A_TIME = { cpu: 4, other: 64 };

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
    const atOnce = POINTS_AT_A_TIME[this.points.provider.name === 'cpu' ? 'cpu' : 'other'];
    for (let from = 0; from < count; from += atOnce) {
      const some = places.subarray(from * 2, (from + atOnce) * 2);
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
