import { separateStains } from '../../slides/stains.js';
import type { EncoderDefinition, EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';
import {
  bandContrasts,
  coOccurrence,
  correlation,
  localPatterns,
  computeMoments,
  percentiles,
  shareAbove,
} from './texture.js';

const BAND_RADII = [1, 2, 4, 8];
const PAIR_DISTANCES = [1, 3];
const RING_RADII = [1, 2];
const HEMATOXYLIN_LIMITS = [0.1, 0.2, 0.4];
/** Optical density summed over both stains above which a pixel counts as tissue. */
const TISSUE_LIMIT = 0.1;
/**
 * Minimum difference in gray levels for a neighbor to count as brighter in a local pattern; above JPEG noise.
 */
const PATTERN_MARGIN = 4;

/** Names of the 64 features, in order. Optical densities are base 10; colors and shares are 0 to 1. */
export const STAIN_TEXTURE_FEATURES: readonly string[] = [
  ...['hematoxylin', 'eosin', 'residual'].flatMap((stain) =>
    ['mean', 'std', 'p10', 'p50', 'p90'].map((statistic) => `${stain} ${statistic}`),
  ),
  'hematoxylin skewness / 4',
  'eosin skewness / 4',
  'correlation of hematoxylin and eosin',
  'share of tissue',
  ...HEMATOXYLIN_LIMITS.map((limit) => `share of hematoxylin above ${limit}`),
  ...['red', 'green', 'blue'].flatMap((color) => [`${color} mean`, `${color} std`]),
  ...['hematoxylin', 'eosin'].flatMap((stain) =>
    BAND_RADII.map((radius) => `${stain} contrast to radius ${radius}, x 4`),
  ),
  ...PAIR_DISTANCES.flatMap((distance) =>
    ['contrast x 16', 'correlation', 'energy', 'homogeneity'].map(
      (statistic) => `hematoxylin co-occurrence ${statistic} at ${distance}`,
    ),
  ),
  ...RING_RADII.flatMap((radius) =>
    Array.from({ length: 10 }, (_, pattern) => `local pattern ${pattern} at ${radius}`),
  ),
];

const info: EncoderInfo = {
  name: 'stain-texture',
  version: 1,
  weightsDigest: null,
  inputSize: 224,
  resize: 'bilinear',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  dim: STAIN_TEXTURE_FEATURES.length,
  license: 'own code, no weights',
  note: 'H&E stain densities and texture statistics, nothing learned: a fallback and a baseline',
};

/**
 * An encoder without weights: 64 statistics of hematoxylin and eosin densities, their contrast by scale,
 * co-occurrence and local patterns ({@link STAIN_TEXTURE_FEATURES}). Its bits are deterministic.
 */
export const stainTexture: EncoderDefinition = {
  info,
  bring: async () => undefined,
  open: async (options: EncoderOptions): Promise<OpenEncoder> => {
    const size = options.size ?? info.inputSize;
    return {
      info,
      size,
      provider: { name: 'cpu', why: 'this encoder is plain arithmetic' },
      encode: async (rgb, count) => encodeAll(rgb, count, size),
      close: async () => undefined,
    };
  },
};

function encodeAll(rgb: Uint8Array, count: number, size: number): Float32Array {
  const features = new Float32Array(count * info.dim);
  const bytes = size * size * 3;
  for (let patch = 0; patch < count; patch++) {
    const pixels = rgb.subarray(patch * bytes, (patch + 1) * bytes);
    features.set(describePatch(pixels, size), patch * info.dim);
  }
  return features;
}

/** Computes the 64 features of one patch, `size` x `size` x 3. */
function describePatch(rgb: Uint8Array, size: number): number[] {
  const { hematoxylin, eosin, residual } = separateStains(rgb, size * size);
  const stained = hematoxylin.map((value, i) => value + eosin[i]);
  const [h, e] = [computeMoments(hematoxylin), computeMoments(eosin)];
  const gray = toGray(rgb, size * size);
  return [
    ...[hematoxylin, eosin, residual].flatMap(densityStatistics),
    bounded(h.skewness / 4),
    bounded(e.skewness / 4),
    correlation(hematoxylin, eosin),
    shareAbove(stained, TISSUE_LIMIT),
    ...HEMATOXYLIN_LIMITS.map((limit) => shareAbove(hematoxylin, limit)),
    ...[0, 1, 2].flatMap((channel) => colorStatistics(rgb, channel)),
    ...[hematoxylin, eosin].flatMap((plane) => bandContrasts(plane, size, BAND_RADII).map((std) => std * 4)),
    ...PAIR_DISTANCES.flatMap((distance) => {
      const [contrast, ...rest] = coOccurrence(hematoxylin, size, distance);
      return [contrast * 16, ...rest];
    }),
    ...RING_RADII.flatMap((radius) => localPatterns(gray, size, radius, PATTERN_MARGIN)),
  ];
}

function densityStatistics(plane: Float32Array): number[] {
  const { mean, std } = computeMoments(plane);
  return [mean, std, ...percentiles(plane, [0.1, 0.5, 0.9])];
}

function colorStatistics(rgb: Uint8Array, channel: number): number[] {
  const values = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = channel; i < values.length; i++, at += 3) values[i] = rgb[at];
  const { mean, std } = computeMoments(values);
  return [mean / 255, std / 255];
}

function toGray(rgb: Uint8Array, pixels: number): Uint8Array {
  const gray = new Uint8Array(pixels);
  for (let i = 0, at = 0; i < pixels; i++, at += 3) gray[i] = (rgb[at] + rgb[at + 1] + rgb[at + 2]) / 3;
  return gray;
}

/** Limits a statistic with heavy tails to the range of the others. */
function bounded(value: number): number {
  return Math.min(2, Math.max(-2, value));
}
