import { SamMilError } from '../../../../errors.js';
import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import { maskDecoder } from './mask-decoder-graph.js';
import { SamCheckpoint } from './sam-checkpoint.js';
import { SamLayers, type Stages } from './sam-layers.js';
import { isTinyViT, tinyViTEncoder, tinyViTStride } from './tiny-vit-graph.js';
import { vitEncoder, vitSizes } from './vit-encoder-graph.js';

/** Sizes that tensor shapes do not determine. */
export interface SamHints {
  /** What precedes the names of the tensors, if the checkpoint has several networks. */
  prefix?: string;
  /** Tensors of the checkpoint to leave out, by name; `name.*` stands for all below `name`. */
  ignore?: readonly string[];
  /** Attention heads of the mask decoder. Default: 8, as in all published models (with prompts 256 wide). */
  decoderHeads?: number;
  /**
   * Side in pixels of the input square of a TinyViT encoder. Default: 1024, as in MobileSAM. The tensors of
   * other encoders determine it.
   */
  imageSize?: number;
}

/** Sizes of the networks, from the tensor shapes of a checkpoint. */
export interface SamDesign {
  encoder: 'vit' | 'tiny-vit';
  /** Side in pixels of the input square of the image encoder. */
  imageSize: number;
  /** Tokens per side of the embedding. */
  grid: number;
  /** Channels of the embedding and of prompts. */
  width: number;
}

const PUBLISHED_WIDTH = 256;
const PUBLISHED_HEADS = 8;
const PUBLISHED_SIZE = 1024;

/**
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit; InvalidInput if `imageSize` does
 * not fit the encoder
 */
export function samDesign(tensors: ReadonlyMap<string, TensorLayout>, hints: SamHints = {}): SamDesign {
  return readDesign(new SamCheckpoint(tensors), hints);
}

function readDesign(checkpoint: SamCheckpoint, hints: SamHints): SamDesign {
  const [, width] = checkpoint.shape('prompt_encoder.no_mask_embed.weight', [1, undefined]);
  if (!isTinyViT(checkpoint)) {
    const { grid, patch } = vitSizes(checkpoint);
    return { encoder: 'vit', imageSize: grid * patch, grid, width };
  }
  const imageSize = hints.imageSize ?? PUBLISHED_SIZE;
  const stride = tinyViTStride(checkpoint);
  if (!Number.isInteger(imageSize / stride) || imageSize < stride) {
    throw new SamMilError('InvalidInput', 'the image size does not fit the tokens of the encoder', {
      expected: `a multiple of ${stride} pixels`,
      found: `${imageSize}`,
    });
  }
  return { encoder: 'tiny-vit', imageSize, grid: imageSize / stride, width };
}

/**
 * Builds the image encoder as an ONNX graph whose weights are external data in the checkpoint: `image`
 * float32 [1, 3, side, side], normalized and padded, to `embedding` [1, width, grid, grid]. All sizes come
 * from the tensor shapes.
 *
 * @param stages if given, internal values become outputs and are recorded here under the names of the
 * original
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit
 */
export function buildSamEncoder(
  tensors: ReadonlyMap<string, TensorLayout>,
  hints: SamHints = {},
  stages?: Stages,
): Uint8Array {
  const checkpoint = new SamCheckpoint(tensors);
  const { encoder, imageSize, width } = readDesign(checkpoint, hints);
  const layers = new SamLayers('sam-encoder', checkpoint, stages);
  // The decoder combines prompts and embedding, so their widths must match.
  checkpoint.shape('image_encoder.neck.0.weight', [width, undefined, undefined, undefined]);
  const image = layers.graph.input('image', [1, 3, imageSize, imageSize]);
  if (encoder === 'vit') vitEncoder(layers, image, vitSizes(checkpoint));
  else tinyViTEncoder(layers, image, imageSize);
  return layers.graph.encode();
}

/**
 * Builds the prompt encoder and mask decoder for single foreground points as an ONNX graph, like {@link
 * buildSamEncoder}: `embedding` [1, width, grid, grid] and `points` [n, 2], (x, y) of pixel centers in 0 to 1
 * of the padded square, to `logits` [n, 3, 4 grid, 4 grid] and `iou` [n, 3].
 *
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit; InvalidInput if the number of
 * heads must be specified
 */
export function buildSamDecoder(
  tensors: ReadonlyMap<string, TensorLayout>,
  hints: SamHints = {},
  stages?: Stages,
): Uint8Array {
  const checkpoint = new SamCheckpoint(tensors);
  const { grid, width } = readDesign(checkpoint, hints);
  const heads = hints.decoderHeads ?? (width === PUBLISHED_WIDTH ? PUBLISHED_HEADS : undefined);
  if (heads === undefined) {
    throw new SamMilError(
      'InvalidInput',
      "the mask decoder's number of attention heads is not in the checkpoint",
      {
        expected: `the number of heads, because prompts are not ${PUBLISHED_WIDTH} wide as in the published models`,
        found: `prompts ${width} wide`,
        next: 'set `decoder-heads`',
      },
    );
  }
  const layers = new SamLayers('sam-decoder', checkpoint, stages);
  maskDecoder(layers, { grid, heads });
  return layers.graph.encode();
}
