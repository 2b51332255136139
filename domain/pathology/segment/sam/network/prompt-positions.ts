import type { SamLayers } from './sam-layers.js';

/** Width of a prompt embedding: twice the width of the matrix of random frequencies. */
export function promptWidth(layers: SamLayers): number {
  const [, half] = layers.checkpoint.shape(MATRIX, [2, undefined]);
  return 2 * half;
}

const MATRIX = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';

/**
 * Positions as sines and cosines of random frequencies (Tancik et al., "Fourier Features", NeurIPS 2020).
 * @param places rows x 2, (x, y) in 0 to 1 of the padded square
 * @returns rows x width
 */
function positions(layers: SamLayers, places: string): string {
  const half = promptWidth(layers) / 2;
  const centered = layers.op('Sub', [layers.scale(places, 2), layers.numbers([1], [])]);
  const angles = layers.scale(layers.matmul(centered, layers.weight(MATRIX, [2, half])), 2 * Math.PI);
  return layers.concat([layers.op('Sin', [angles]), layers.op('Cos', [angles])], 1);
}

/** Positions of the image tokens at their centers: [grid * grid, width]. */
export function imagePositions(layers: SamLayers, grid: number): string {
  const centers: number[] = [];
  for (let y = 0; y < grid; y++) {
    for (let x = 0; x < grid; x++) centers.push((x + 0.5) / grid, (y + 0.5) / grid);
  }
  const width = promptWidth(layers);
  return layers.stage('dense_pe', positions(layers, layers.numbers(centers, [grid * grid, 2])), [
    grid * grid,
    width,
  ]);
}

/**
 * Tokens of single foreground points: the output tokens (one for the quality, one per mask), the point, and
 * the padding in place of a box corner.
 *
 * @param points n x 2, (x, y) in 0 to 1 of the padded square, pixel centers
 * @returns [n, masks + 3, width]
 */
export function promptTokens(layers: SamLayers, points: string, masks: number): string {
  const width = promptWidth(layers);
  const row = (name: string, count = 1): string => layers.weight(`${name}.weight`, [count, width]);
  const point = layers.add(positions(layers, points), row('prompt_encoder.point_embeddings.1'));
  const count = layers.op('Shape', [points], { start: 0, end: 1 });
  const forEach = (rows: string, length: number): string => {
    return layers.op('Expand', [rows, layers.concat([count, layers.integers([length, width])], 0)]);
  };
  const outputs = layers.concat([row('mask_decoder.iou_token'), row('mask_decoder.mask_tokens', masks)], 0);
  const padding = forEach(row('prompt_encoder.not_a_point_embed'), 1);
  const sparse = layers.concat([layers.reshape(point, [-1, 1, width]), padding], 1);
  layers.stage('sparse_prompt_embeddings', sparse, ['n', 2, width]);
  return layers.concat([forEach(outputs, masks + 1), sparse], 1);
}
