import type { TensorLayout } from '../../../files/torch/torch-layout.js';
import type { NetworkNames } from '../../../machine/onnx/network-tensors.js';
import { buildClipVision, clipVisionSizes } from './clip-vision-graph.js';
import { efficientNetLite0Graph, LITE0_DIM } from './efficientnet-lite0-graph.js';
import type { EncoderInfo } from './encoder.js';
import { buildResNet50, resNet50Dim } from './resnet50-graph.js';
import { buildVitOf, vitNames, vitSizes } from './vit/vit-architecture.js';
import type { Activation, VitOptions } from './vit/vit-options.js';

type Tensors = ReadonlyMap<string, TensorLayout>;

/** Sizes of an encoder that its tensors determine. */
export interface TensorSizes {
  /** Length of the features. */
  dim: number;
  /** Side of the patches in pixels, if only one is possible. */
  size?: number;
  /** Side of the patches that the weights were trained with, if others are possible. */
  native?: number;
  /** Number of pixels that divides the side of the patches. */
  multipleOf?: number;
}

/** A network architecture that can run a third-party checkpoint without an ONNX file. */
export interface Architecture {
  /** Increases when the same weights and pixels give different features. */
  version: number;
  /** Preprocessing of the published weights; the defaults of an encoder file. */
  defaults: Pick<EncoderInfo, 'inputSize' | 'resize' | 'mean' | 'std'>;
  /** The names of the tensors. Architectures with several layouts recognize that of the checkpoint. */
  names(tensors: Tensors, options: NetworkOptions & { prefix?: string }): NetworkNames;
  /** @throws SamMilError UnsupportedFormat naming the tensor that does not fit */
  sizes(tensors: Tensors, options: NetworkOptions): TensorSizes;
  /**
   * Builds the ONNX model from `image` to `features` for patches of `size`.
   * @param options `folder`: that of the checkpoint
   * @throws SamMilError as `sizes`
   */
  build(tensors: Tensors, options: NetworkOptions & { size: number; folder: string }): Uint8Array;
}

/** What the tensors of a checkpoint do not determine. */
export interface NetworkOptions {
  /** Channels per attention head. */
  headWidth?: number;
  activation?: Activation;
  /** Required for `vit`. */
  vit?: VitOptions;
}

/** Normalization of ImageNet, as in torchvision and timm. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** Normalization from the training of CLIP (github.com/openai/CLIP), which PLIP kept. */
const CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

/** Normalization of the TensorFlow original of EfficientNet-Lite: (value - 127) / 128. */
const LITE0 = { mean: [127 / 255, 127 / 255, 127 / 255], std: [128 / 255, 128 / 255, 128 / 255] } as const;

export const ARCHITECTURES = {
  resnet50: {
    version: 1,
    defaults: { inputSize: 224, resize: 'bilinear', ...IMAGENET },
    names: () => ({
      anchor: 'layer1.0.conv1.weight',
      unused: [
        /^(layer4|fc|head|heads|classifier|last_linear|projector|predictor|projection_head|prototypes)\./,
      ],
    }),
    sizes: (tensors) => ({ dim: resNet50Dim(tensors) }),
    build: buildResNet50,
  },
  'clip-vit': {
    version: 1,
    defaults: { inputSize: 224, resize: 'bicubic', ...CLIP },
    names: () => ({
      anchor: 'vision_model.embeddings.patch_embedding.weight',
      unused: [/^(text_model|text_projection)\./, /^logit_(scale|bias)$/],
    }),
    sizes: clipVisionSizes,
    build: buildClipVision,
  },
  'efficientnet-lite0': {
    version: 1,
    defaults: { inputSize: 224, resize: 'bilinear', ...LITE0 },
    names: () => ({
      anchor: '_conv_stem.weight',
      unused: [],
    }),
    sizes: () => ({ dim: LITE0_DIM }),
    build: (tensors, { size }) => efficientNetLite0Graph(tensors, size),
  },
  vit: {
    version: 1,
    // Encoder files state the normalization, in which published models differ.
    defaults: { inputSize: 224, resize: 'bicubic', ...IMAGENET },
    names: (tensors, { prefix, vit }) => vitNames(tensors, prefix, required(vit)),
    sizes: (tensors, { vit }) => vitSizes(tensors, required(vit)),
    build: (tensors, { vit, size, folder }) => buildVitOf(tensors, { ...required(vit), size, folder }),
  },
} satisfies Record<string, Architecture>;

function required(options: VitOptions | undefined): VitOptions {
  if (options === undefined) throw new TypeError('a vision transformer needs its number of heads');
  return options;
}

export type ArchitectureName = keyof typeof ARCHITECTURES;

export const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES) as ArchitectureName[];
