import { imagePositions, promptTokens, promptWidth } from './prompt-positions.js';
import type { SamLayers } from './sam-layers.js';
import { type TwoWaySizes, imageToTokens, selfAttention, tokensToImage } from './two-way-attention.js';

const DECODER = 'mask_decoder';
const TRANSFORMER = `${DECODER}.transformer`;
const TRANSFORMER_EPSILON = 1e-5;
const UPSCALING_EPSILON = 1e-6;

/** Masks per prompt: one for an unambiguous prompt, which is not used here, and three that may nest. */
const MASKS = 4;

/**
 * Adds the prompt encoder and mask decoder of Segment Anything for single foreground points to the graph:
 * inputs `embedding` [1, width, grid, grid] and `points` [n, 2], (x, y) in 0 to 1 of the padded square;
 * outputs `logits` [n, 3, 4 grid, 4 grid] and `iou` [n, 3].
 *
 * @param heads of the decoder's attentions, the only size that tensor shapes do not determine
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit
 */
export function maskDecoder(layers: SamLayers, { grid, heads }: { grid: number; heads: number }): void {
  const { graph } = layers;
  const width = promptWidth(layers);
  const sizes: TwoWaySizes = { width, heads, tokens: MASKS + 3, area: grid * grid };
  const embedding = graph.input('embedding', [1, width, grid, grid]);
  const points = graph.input('points', ['n', 2]);
  const { tokens, image } = twoWayTransformer(layers, embedding, points, grid, sizes);
  const upscaled = upscale(layers, image, sizes);
  const qualities = perceptron(
    layers,
    layers.pick(tokens, 1, 0),
    `${DECODER}.iou_prediction_head`,
    width,
    MASKS,
  );
  const last = layers.integers([1]);
  graph.node('Slice', [qualities, last, layers.integers([MASKS]), last], {}, 'iou');
  graph.output('iou', ['n', MASKS - 1]);
  const filters = maskFilters(layers, tokens, width);
  drawMasks(layers, upscaled, filters, grid);
}

/** @returns tokens [n, tokens, width]; image [n, area, width] */
function twoWayTransformer(
  layers: SamLayers,
  embedding: string,
  points: string,
  grid: number,
  sizes: TwoWaySizes,
): { tokens: string; image: string } {
  const { width, area } = sizes;
  const depth = layers.checkpoint.count(`${TRANSFORMER}.layers.`);
  const prompt = layers.reshape(promptTokens(layers, points, MASKS), [-1, width]);
  const noMask = layers.weight('prompt_encoder.no_mask_embed.weight', [1, width]);
  const flat = layers.transpose(layers.reshape(embedding, [1, width, area]), [0, 2, 1]);
  const positions = imagePositions(layers, grid);
  const state = { tokens: prompt, image: layers.add(flat, noMask), shared: true };
  for (let index = 0; index < depth; index++) {
    twoWayLayer(layers, state, { prompt, positions, index }, sizes);
  }
  const x = layers.add(state.tokens, prompt);
  const placed = layers.add(state.image, positions);
  const attended = tokensToImage(
    layers,
    x,
    { ...state, placed },
    `${TRANSFORMER}.final_attn_token_to_image`,
    sizes,
  );
  const tokens = layers.layerNorm(
    layers.add(state.tokens, attended),
    `${TRANSFORMER}.norm_final_attn`,
    width,
    TRANSFORMER_EPSILON,
  );
  layers.stage('tokens out', tokens, ['rows', width]);
  return { tokens: layers.reshape(tokens, [-1, sizes.tokens, width]), image: state.image };
}

interface TwoWayState {
  tokens: string;
  image: string;
  /** Whether `image` is still shared by all prompts. */
  shared: boolean;
}

/**
 * One layer: self-attention of tokens, tokens to image, perceptron, image to tokens, each added and
 * normalized. The first layer starts without positions.
 */
function twoWayLayer(
  layers: SamLayers,
  state: TwoWayState,
  { prompt, positions, index }: { prompt: string; positions: string; index: number },
  sizes: TwoWaySizes,
): void {
  const { width } = sizes;
  const name = `${TRANSFORMER}.layers.${index}`;
  const norm = (x: string, which: string): string => {
    return layers.layerNorm(x, `${name}.${which}`, width, TRANSFORMER_EPSILON);
  };
  let { tokens } = state;
  if (index === 0) {
    tokens = selfAttention(layers, tokens, tokens, `${name}.self_attn`, sizes);
  } else {
    const x = layers.add(tokens, prompt);
    tokens = layers.add(tokens, selfAttention(layers, x, tokens, `${name}.self_attn`, sizes));
  }
  tokens = norm(tokens, 'norm1');
  const placed = layers.add(state.image, positions);
  const x = layers.add(tokens, prompt);
  const attended = tokensToImage(layers, x, { ...state, placed }, `${name}.cross_attn_token_to_image`, sizes);
  tokens = norm(layers.add(tokens, attended), 'norm2');
  const [hidden] = layers.checkpoint.shape(`${name}.mlp.lin1.weight`, [undefined, width]);
  const inner = layers.op('Relu', [layers.linear(tokens, `${name}.mlp.lin1`, width, hidden)]);
  tokens = norm(layers.add(tokens, layers.linear(inner, `${name}.mlp.lin2`, hidden, width)), 'norm3');
  const sources = { x: layers.add(tokens, prompt), value: tokens };
  const change = imageToTokens(layers, placed, sources, `${name}.cross_attn_image_to_token`, sizes);
  state.tokens = layers.stage(`layers.${index} queries`, tokens, ['rows', width]);
  state.image = norm(layers.add(state.image, change), 'norm4');
  state.shared = false;
  layers.stage(`layers.${index} keys`, state.image, ['n', sizes.area, width]);
}

/**
 * Two transposed 2 x 2 convolutions with stride 2. Each is a matrix product that turns one token into four
 * adjacent ones, so only the last, small tensor has to be rearranged.
 *
 * @param image [n, area, width]
 * @returns [n * area * 16, width / 8], rows by (n, y, x, y in 2, x in 2, y in 4, x in 4)
 */
function upscale(layers: SamLayers, image: string, { width, area }: TwoWaySizes): string {
  const name = `${DECODER}.output_upscaling`;
  const [, half] = layers.checkpoint.shape(`${name}.0.weight`, [width, undefined, 2, 2]);
  const [, quarter] = layers.checkpoint.shape(`${name}.3.weight`, [half, undefined, 2, 2]);
  let x = doubled(layers, layers.reshape(image, [-1, width]), `${name}.0`, width, half);
  x = layers.gelu(layers.layerNorm(x, `${name}.1`, half, UPSCALING_EPSILON));
  x = layers.gelu(doubled(layers, x, `${name}.3`, half, quarter));
  return layers.stage('output_upscaling', layers.reshape(x, [-1, area * 16, quarter]), [
    'n',
    area * 16,
    quarter,
  ]);
}

/** Rows x from to (rows * 4) x to. */
function doubled(layers: SamLayers, x: string, name: string, from: number, to: number): string {
  const kernel = layers.transpose(layers.weight(`${name}.weight`, [from, to, 2, 2]), [0, 2, 3, 1]);
  const bias = layers.op('Tile', [layers.weight(`${name}.bias`, [to]), layers.integers([4])]);
  return layers.reshape(layers.op('Gemm', [x, layers.reshape(kernel, [from, 4 * to]), bias]), [-1, to]);
}

/** Computes the filters of the three masks from their tokens: [n, width / 8, 3]. */
function maskFilters(layers: SamLayers, tokens: string, width: number): string {
  const name = `${DECODER}.output_hypernetworks_mlps`;
  const [, half] = layers.checkpoint.shape(`${DECODER}.output_upscaling.0.weight`, [width, undefined, 2, 2]);
  const [, quarter] = layers.checkpoint.shape(`${DECODER}.output_upscaling.3.weight`, [
    half,
    undefined,
    2,
    2,
  ]);
  const filters: string[] = [];
  for (let mask = 1; mask < MASKS; mask++) {
    const filter = perceptron(layers, layers.pick(tokens, 1, 1 + mask), `${name}.${mask}`, width, quarter);
    filters.push(layers.reshape(filter, [-1, quarter, 1]));
  }
  return layers.concat(filters, 2);
}

/** Fully connected layers with ReLU in between: rows x from to rows x to. */
function perceptron(layers: SamLayers, x: string, name: string, from: number, to: number): string {
  const depth = layers.checkpoint.count(`${name}.layers.`);
  let y = x;
  let width = from;
  for (let index = 0; index < depth; index++) {
    const layer = `${name}.layers.${index}`;
    const rows = index === depth - 1 ? to : undefined;
    const [next] = layers.checkpoint.shape(`${layer}.weight`, [rows, width]);
    y = layers.linear(y, layer, width, next);
    if (index < depth - 1) y = layers.op('Relu', [y]);
    width = next;
  }
  return y;
}

/** Applies the filters to every pixel and arranges the pixels in rows. */
function drawMasks(layers: SamLayers, upscaled: string, filters: string, grid: number): void {
  const masks = MASKS - 1;
  const pixels = layers.reshape(layers.matmul(upscaled, filters), [-1, grid, grid, 2, 2, 2, 2, masks]);
  const rows = layers.transpose(pixels, [0, 7, 1, 3, 5, 2, 4, 6]);
  const shape = layers.integers([-1, masks, 4 * grid, 4 * grid]);
  layers.graph.node('Reshape', [rows, shape], {}, 'logits');
  layers.graph.output('logits', ['n', masks, 4 * grid, 4 * grid]);
}
