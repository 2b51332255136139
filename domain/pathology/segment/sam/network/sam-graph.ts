import { SamMilError } from '../../../../errors.js';
import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import { maskDecoder } from './mask-decoder-graph.js';
import { SamCheckpoint } from './sam-checkpoint.js';
import { SamLayers, type Stages } from './sam-layers.js';
import { isTinyViT, tinyViTEncoder, tinyViTStride } from './tiny-vit-graph.js';
import { vitEncoder, vitSizes } from './vit-encoder-graph.js';

/** Sizes that no tensor's shape tells. */
export interface SamHints {
  /** Heads of the mask decoder's attentions; by default the 8 of every published model (prompts 256 wide). */
  decoderHeads?: number;
  /** Side in pixels of the square that a TinyViT encoder sees; by default MobileSAM's 1024. Other encoders tell it themselves. */
  imageSize?: number;
}

/** What a checkpoint's shapes say about its networks. */
export interface SamDesign {
  encoder: 'vit' | 'tiny-vit';
  /** Side in pixels of the square that the image encoder sees. */
  imageSize: number;
  /** Tokens a side of the embedding. */
  grid: number;
  /** Channels of the embedding and of prompts. */
  width: number;
}

const PUBLISHED_WIDTH = 256;
const PUBLISHED_HEADS = 8;
const PUBLISHED_SIZE = 1024;

/** @throws SamMilError UnsupportedFormat naming the tensor that does not fit; InvalidInput where `imageSize` does not fit the encoder */
export function samDesign(tensors: ReadonlyMap<string, TensorLayout>, hints: SamHints = {}): SamDesign {
  return designOf(new SamCheckpoint(tensors), hints);
}

function designOf(checkpoint: SamCheckpoint, hints: SamHints): SamDesign {
  const [, width] = checkpoint.shape('prompt_encoder.no_mask_embed.weight', [1, undefined]);
  if (!isTinyViT(checkpoint)) {
    const { grid, patch } = vitSizes(checkpoint);
    return { encoder: 'vit', imageSize: grid * patch, grid, width };
  }
  const imageSize = hints.imageSize ?? PUBLISHED_SIZE;
  const stride = tinyViTStride(checkpoint);
  if (!Number.isInteger(imageSize / stride) || imageSize < stride) {
    throw new SamMilError('InvalidInput', "the image size does not fit the encoder's tokens", {
      expected: `a multiple of ${stride} pixels`,
      found: `${imageSize}`,
    });
  }
  return { encoder: 'tiny-vit', imageSize, grid: imageSize / stride, width };
}

/**
 * The image encoder as an ONNX graph whose weights are external data in the checkpoint: `image` float32 [1, 3, side, side], normalised and padded, to
 * `embedding` [1, width, grid, grid]. Every size is read from the tensors' shapes.
 *
 * @param stages where given, values inside the network become outputs too, and are noted here under the original's names
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit
 */
export function buildSamEncoder(
  tensors: ReadonlyMap<string, TensorLayout>,
  hints: SamHints = {},
  stages?: Stages,
): Uint8Array {
  const checkpoint = new SamCheckpoint(tensors);
  const { encoder, imageSize, width } = designOf(checkpoint, hints);
  const layers = new SamLayers('sam-encoder', checkpoint, stages);
  // Prompts and embedding meet in the decoder: they must be as wide.
  checkpoint.shape('image_encoder.neck.0.weight', [width, undefined, undefined, undefined]);
  const image = layers.graph.input('image', [1, 3, imageSize, imageSize]);
  if (encoder === 'vit') vitEncoder(layers, image, vitSizes(checkpoint));
  else tinyViTEncoder(layers, image, imageSize);
  return layers.graph.encode();
}

/**
 * Prompt encoder and mask decoder for single foreground points as an ONNX graph, as {@link buildSamEncoder}: `embedding` [1, width, grid, grid] and
 * `points` [n, 2], (x, y) of pixel centres in 0 to 1 of the padded square, to `logits` [n, 3, 4 grid, 4 grid] and `iou` [n, 3].
 *
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit; InvalidInput where the number of heads must be told
 */
export function buildSamDecoder(
  tensors: ReadonlyMap<string, TensorLayout>,
  hints: SamHints = {},
  stages?: Stages,
): Uint8Array {
  const checkpoint = new SamCheckpoint(tensors);
  const { grid, width } = designOf(checkpoint, hints);
  const heads = hints.decoderHeads ?? (width === PUBLISHED_WIDTH ? PUBLISHED_HEADS : undefined);
  if (heads === undefined) {
    throw new SamMilError(
      'InvalidInput',
      "the mask decoder's number of attention heads is not in the checkpoint",
      {
        expected: `a number where prompts are not ${PUBLISHED_WIDTH} wide as in the published models`,
        found: `prompts ${width} wide`,
        next: 'state decoder-heads',
      },
    );
  }
  const layers = new SamLayers('sam-decoder', checkpoint, stages);
  maskDecoder(layers, { grid, heads });
  return layers.graph.encode();
}
