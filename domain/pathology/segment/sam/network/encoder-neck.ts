import type { SamLayers } from './sam-layers.js';

const EPSILON = 1e-6;

/**
 * Projects the tokens of an image encoder to the width of the prompts: a 1 x 1 and a 3 x 3 convolution, each
 * followed by normalization over channels. Creates the graph output `embedding`.
 *
 * @param x [grid * grid, width]
 * @returns [1, channels, grid, grid]
 */
export function encoderNeck(
  layers: SamLayers,
  x: string,
  { width, grid }: { width: number; grid: number },
): string {
  const name = 'image_encoder.neck';
  const [channels] = layers.checkpoint.shape(`${name}.0.weight`, [undefined, width, 1, 1]);
  const tokens = grid * grid;
  const narrow = layers.reshape(layers.weight(`${name}.0.weight`, [channels, width, 1, 1]), [
    channels,
    width,
  ]);
  let y = layers.op('Gemm', [x, narrow], { transB: 1 });
  layers.stage('neck.0', y, [tokens, channels]);
  y = layers.layerNorm(y, `${name}.1`, channels, EPSILON);
  layers.stage('neck.1', y, [tokens, channels]);
  y = layers.reshape(layers.transpose(y, [1, 0]), [1, channels, grid, grid]);
  const kernel = layers.weight(`${name}.2.weight`, [channels, channels, 3, 3]);
  y = layers.op('Conv', [y, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  y = layers.transpose(layers.reshape(y, [channels, tokens]), [1, 0]);
  y = layers.transpose(layers.layerNorm(y, `${name}.3`, channels, EPSILON), [1, 0]);
  const shape = [1, channels, grid, grid];
  const embedding = layers.graph.node('Reshape', [y, layers.integers(shape)], {}, 'embedding');
  layers.graph.output(embedding, shape);
  return embedding;
}
