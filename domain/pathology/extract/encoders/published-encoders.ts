import type { HubEncoderName } from '../../../machine/weights/hub-encoders.js';
import type { Triple } from '../../../machine/onnx/normalize-pixels.js';
import type { EncoderInfo, ExpectedPatches } from './encoder.js';
import type { VitOptions } from './vit/vit-options.js';

/** How a published encoder is built and used: what its file does not state. */
export interface PublishedEncoder {
  vit: VitOptions;
  dim: number;
  normalization: keyof typeof NORMALIZATIONS;
  resize: 'bilinear' | 'bicubic';
  /** Side of the patches that the network takes. Default: 224. */
  inputSize?: number;
  /** See `EncoderInfo.resizeTo`. */
  resizeTo?: number;
  /** Precision that its authors recommend or that other programs run it in on a GPU. Default: fp32. */
  precision?: EncoderInfo['precision'];
  expects: ExpectedPatches;
}

/** Mean and standard deviation of values from 0 to 1: red, green, blue. */
export const NORMALIZATIONS = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  half: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  'h-optimus': { mean: [0.707223, 0.578729, 0.703617], std: [0.211883, 0.230117, 0.177517] },
  hibou: { mean: [0.7068, 0.5755, 0.722], std: [0.195, 0.2316, 0.1816] },
  lunit: { mean: [0.70322989, 0.53606487, 0.66096631], std: [0.21716536, 0.26081574, 0.20723464] },
  clip: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
} as const satisfies Record<string, { mean: Triple; std: Triple }>;

const AT_20X = [0.5];

/** Kaiko's smaller networks: no LayerScale, trained at several scales. */
const KAIKO = {
  normalization: 'half',
  resize: 'bilinear',
  expects: { mpp: [0.25, 0.5, 1, 2], side: 256 },
} as const;

/**
 * Lunit's own list of normalizations and sizes. The configuration on the hub has others: half for ViT-S/16;
 * ImageNet, and a resize to 248 before the crop, for ViT-S/8.
 */
const LUNIT = {
  dim: 384,
  normalization: 'lunit',
  resize: 'bicubic',
  expects: { mpp: [0.25, 0.5], side: 224 },
} as const;

const H_OPTIMUS = {
  dim: 1536,
  normalization: 'h-optimus',
  resize: 'bicubic',
  precision: 'fp16',
  expects: { mpp: AT_20X, side: 224 },
  vit: { heads: 24, imageSize: 224 },
} as const;

/** From the model cards and the authors' code; what only others state is marked in docs/encoders.md. */
export const PUBLISHED_ENCODERS: Readonly<Record<HubEncoderName, PublishedEncoder>> = {
  uni: {
    vit: { heads: 16, imageSize: 224 },
    dim: 1024,
    normalization: 'imagenet',
    resize: 'bilinear',
    precision: 'fp16',
    expects: { mpp: AT_20X, side: 256 },
  },
  'uni2-h': {
    vit: { heads: 24, imageSize: 224 },
    dim: 1536,
    normalization: 'imagenet',
    resize: 'bilinear',
    precision: 'bf16',
    expects: { mpp: AT_20X, side: 256 },
  },
  virchow: {
    vit: { heads: 16, imageSize: 224, output: 'cls+mean' },
    dim: 2560,
    normalization: 'imagenet',
    resize: 'bicubic',
    precision: 'fp16',
    expects: { mpp: AT_20X, side: 224 },
  },
  virchow2: {
    vit: { heads: 16, imageSize: 224, output: 'cls+mean' },
    dim: 2560,
    normalization: 'imagenet',
    resize: 'bicubic',
    precision: 'fp16',
    expects: { mpp: [0.25, 0.5, 1, 2], side: 224 },
  },
  'h-optimus-0': H_OPTIMUS,
  'h-optimus-1': H_OPTIMUS,
  'h0-mini': { ...H_OPTIMUS, vit: { heads: 12, imageSize: 224 }, dim: 768 },
  gigapath: {
    vit: { heads: 24, imageSize: 224 },
    dim: 1536,
    normalization: 'imagenet',
    resize: 'bicubic',
    resizeTo: 256,
    precision: 'fp16',
    expects: { mpp: AT_20X, side: 256 },
  },
  phikon: {
    vit: { heads: 12, imageSize: 224 },
    dim: 768,
    normalization: 'imagenet',
    resize: 'bilinear',
    expects: { mpp: AT_20X, side: 224 },
  },
  'phikon-v2': {
    vit: { heads: 16, imageSize: 224 },
    dim: 1024,
    normalization: 'imagenet',
    resize: 'bicubic',
    expects: { mpp: AT_20X, side: 224 },
  },
  'hibou-b': {
    vit: { heads: 12, imageSize: 224, positions: 'antialiased' },
    dim: 768,
    normalization: 'hibou',
    resize: 'bicubic',
    expects: { mpp: AT_20X, side: 224 },
  },
  'hibou-l': {
    vit: { heads: 16, imageSize: 224, positions: 'antialiased' },
    dim: 1024,
    normalization: 'hibou',
    resize: 'bicubic',
    expects: { mpp: AT_20X, side: 224 },
  },
  // The stored grid of positions (37 x 37) is derived from the size of the file, so it is read from the file.
  'midnight-12k': {
    vit: { heads: 24, output: 'cls+mean', positions: 'to-size' },
    dim: 3072,
    normalization: 'half',
    resize: 'bilinear',
    precision: 'fp16',
    expects: { mpp: [0.25, 0.5, 1, 2], side: 224 },
  },
  'kaiko-vits8': { ...KAIKO, vit: { heads: 6, imageSize: 224 }, dim: 384 },
  'kaiko-vits16': { ...KAIKO, vit: { heads: 6, imageSize: 224 }, dim: 384 },
  'kaiko-vitb8': { ...KAIKO, vit: { heads: 12, imageSize: 224 }, dim: 768 },
  'kaiko-vitb16': { ...KAIKO, vit: { heads: 12, imageSize: 224 }, dim: 768 },
  'kaiko-vitl14': { ...KAIKO, vit: { heads: 16, positions: 'antialiased' }, dim: 1024 },
  'lunit-vits8': { ...LUNIT, vit: { heads: 6, imageSize: 224 } },
  'lunit-vits16': { ...LUNIT, vit: { heads: 6, imageSize: 224 } },
  gpfm: {
    vit: { heads: 16, imageSize: 224 },
    dim: 1024,
    normalization: 'imagenet',
    resize: 'bicubic',
    expects: { mpp: [0.25], side: 512 },
  },
  openmidnight: {
    vit: { heads: 24, imageSize: 224 },
    dim: 1536,
    normalization: 'imagenet',
    resize: 'bilinear',
    precision: 'fp16',
    expects: { mpp: AT_20X, side: 224 },
  },
  conch: {
    vit: { heads: 12, imageSize: 448, output: 'pooled', poolerHeads: 8 },
    dim: 512,
    normalization: 'clip',
    resize: 'bicubic',
    inputSize: 448,
    expects: { mpp: AT_20X, side: 512 },
  },
  'conch-v1.5': {
    vit: { heads: 16, imageSize: 224, output: 'pooled', positions: 'by-factor', poolerHeads: 8 },
    dim: 768,
    normalization: 'imagenet',
    resize: 'bilinear',
    inputSize: 448,
    precision: 'fp16',
    expects: { mpp: AT_20X, side: 512 },
  },
};
