import { encoderNeck } from './encoder-neck.js';
import type { SamCheckpoint } from './sam-checkpoint.js';
import type { SamLayers } from './sam-layers.js';
import { joinWindows, splitWindows } from './windows.js';

/** Defaults of torch for batch and layer normalization. */
const EPSILON = 1e-5;
const ENCODER = 'image_encoder';
const STEM = `${ENCODER}.patch_embed.seq`;

/** Returns whether the image encoder of a checkpoint is a TinyViT, as in MobileSAM. */
export function isTinyViT(checkpoint: SamCheckpoint): boolean {
  return checkpoint.has(`${STEM}.0.c.weight`);
}

/** Number of stages after the first, which consists of convolutions. */
function attentionStages(checkpoint: SamCheckpoint): number {
  return Math.max(1, checkpoint.count(`${ENCODER}.layers.`) - 1);
}

/**
 * Pixels per side of an embedding token: the stem combines 4 x 4 pixels, and each stage except the last two
 * halves the side.
 */
export function tinyViTStride(checkpoint: SamCheckpoint): number {
  return 4 * 2 ** (attentionStages(checkpoint) - 1);
}

/** Channels by tokens: [1, width, grid, grid]. */
interface Picture {
  value: string;
  width: number;
  grid: number;
}

/**
 * Adds the image encoder of MobileSAM to the graph: TinyViT (Wu et al., "TinyViT: Fast Pretraining
 * Distillation for Small Vision Transformers", ECCV 2022) without the last halving of the image (Zhang et
 * al., "Faster Segment Anything", 2023), and the neck of Segment Anything.
 *
 * @param image [1, 3, imageSize, imageSize], normalized
 * @returns the embedding [1, channels, grid, grid]
 */
export function tinyViTEncoder(layers: SamLayers, image: string, imageSize: number): string {
  let x: Picture = { value: image, width: 3, grid: imageSize };
  x = active(layers, convolution(layers, x, `${STEM}.0`, { kernel: 3, stride: 2 }));
  x = convolution(layers, x, `${STEM}.2`, { kernel: 3, stride: 2 });
  const first = `${ENCODER}.layers.0`;
  const depth = layers.checkpoint.count(`${first}.blocks.`);
  for (let index = 0; index < depth; index++) x = invertedResidual(layers, x, `${first}.blocks.${index}`);
  const stages = attentionStages(layers.checkpoint);
  for (let stage = 1; stage <= stages; stage++) {
    x = merge(layers, x, `${ENCODER}.layers.${stage - 1}.downsample`, stage === stages ? 1 : 2);
    layers.stage(`layers.${stage - 1}`, x.value, [1, x.width, x.grid, x.grid]);
    x = attentionStage(layers, x, `${ENCODER}.layers.${stage}`);
  }
  layers.stage(`layers.${stages}`, x.value, [1, x.width, x.grid, x.grid]);
  return encoderNeck(layers, toTokens(layers, x), x);
}

/** A convolution without bias, then batch normalization; depthwise if `groups` equals the width. */
function convolution(
  layers: SamLayers,
  x: Picture,
  name: string,
  { kernel, stride = 1, groups = 1 }: { kernel: number; stride?: number; groups?: number },
): Picture {
  const inputs = x.width / groups;
  const [width] = layers.checkpoint.shape(`${name}.c.weight`, [undefined, inputs, kernel, kernel]);
  const pad = (kernel - 1) / 2;
  const weight = layers.weight(`${name}.c.weight`, [width, inputs, kernel, kernel]);
  const convolved = layers.op('Conv', [x.value, weight], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: groups,
  });
  const norm = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => {
    return layers.weight(`${name}.bn.${part}`, [width]);
  });
  const value = layers.op('BatchNormalization', [convolved, ...norm], { epsilon: { float: EPSILON } });
  return { value, width, grid: Math.ceil(x.grid / stride) };
}

function active(layers: SamLayers, x: Picture): Picture {
  return { ...x, value: layers.gelu(x.value) };
}

/** Widens by a 1 x 1 convolution, filters each channel, narrows, adds the input, and activates. */
function invertedResidual(layers: SamLayers, x: Picture, name: string): Picture {
  const wide = active(layers, convolution(layers, x, `${name}.conv1`, { kernel: 1 }));
  const filtered = convolution(layers, wide, `${name}.conv2`, { kernel: 3, groups: wide.width });
  const narrow = convolution(layers, active(layers, filtered), `${name}.conv3`, { kernel: 1 });
  if (narrow.width !== x.width) {
    throw layers.checkpoint.misfit(`${name}.conv3.c.weight`, `${x.width} rows`, `${narrow.width}`);
  }
  return active(layers, { ...narrow, value: layers.add(narrow.value, x.value) });
}

/** Transition between stages: more channels, usually on half the side. */
function merge(layers: SamLayers, x: Picture, name: string, stride: number): Picture {
  const wide = active(layers, convolution(layers, x, `${name}.conv1`, { kernel: 1 }));
  const filtered = convolution(layers, wide, `${name}.conv2`, { kernel: 3, stride, groups: wide.width });
  return convolution(layers, active(layers, filtered), `${name}.conv3`, { kernel: 1 });
}

function attentionStage(layers: SamLayers, x: Picture, name: string): Picture {
  const depth = layers.checkpoint.count(`${name}.blocks.`);
  let y = x;
  for (let index = 0; index < depth; index++) y = attentionBlock(layers, y, `${name}.blocks.${index}`);
  return y;
}

/** Attention within windows, a filter per channel, and a perceptron. */
function attentionBlock(layers: SamLayers, x: Picture, name: string): Picture {
  const { width, grid } = x;
  const biases = `${name}.attn.attention_biases`;
  const [heads, distances] = layers.checkpoint.shape(biases, [undefined, undefined]);
  const window = Math.sqrt(distances);
  if (!Number.isInteger(window) || width % heads !== 0) {
    const expected = `rows that divide ${width}, columns that are the square of a window's side`;
    throw layers.checkpoint.misfit(biases, expected, `[${heads}, ${distances}]`);
  }
  const tokens = toTokens(layers, x);
  const windows = splitWindows(layers, tokens, { grid, window, width });
  const attended = windowAttention(layers, windows, `${name}.attn`, { width, heads, window });
  const y = layers.add(tokens, joinWindows(layers, attended, { grid, window, width }));
  const filtered = convolution(layers, toPicture(layers, y, x), `${name}.local_conv`, {
    kernel: 3,
    groups: width,
  });
  const z = toTokens(layers, filtered);
  const [hidden] = layers.checkpoint.shape(`${name}.mlp.fc1.weight`, [undefined, width]);
  const inner = layers.linear(
    layers.layerNorm(z, `${name}.mlp.norm`, width, EPSILON),
    `${name}.mlp.fc1`,
    width,
    hidden,
  );
  const change = layers.linear(layers.gelu(inner), `${name}.mlp.fc2`, hidden, width);
  return toPicture(layers, layers.add(z, change), x);
}

/**
 * Attention within windows, with one learned bias per head and distance.
 * @param x [windows * window * window, width] including padding, like the result
 */
function windowAttention(
  layers: SamLayers,
  x: string,
  name: string,
  { width, heads, window }: { width: number; heads: number; window: number },
): string {
  const area = window * window;
  const channels = width / heads;
  const rows = layers.linear(
    layers.layerNorm(x, `${name}.norm`, width, EPSILON),
    `${name}.qkv`,
    width,
    3 * width,
  );
  // Here, query, key and value of each head are adjacent, unlike in the encoder of Segment Anything.
  const qkv = layers.reshape(rows, [-1, area, heads, 3, channels]);
  const query = layers.scale(layers.transpose(layers.pick(qkv, 3, 0), [0, 2, 1, 3]), channels ** -0.5);
  const key = layers.transpose(layers.pick(qkv, 3, 1), [0, 2, 3, 1]);
  const value = layers.transpose(layers.pick(qkv, 3, 2), [0, 2, 1, 3]);
  const biases = layers.weight(`${name}.attention_biases`, [heads, area]);
  const bias = layers.op('Gather', [biases, distanceIndex(layers, window)], { axis: 1 });
  const attended = layers.matmul(layers.softmax(layers.add(layers.matmul(query, key), bias)), value);
  const joined = layers.reshape(layers.transpose(attended, [0, 2, 1, 3]), [-1, width]);
  return layers.linear(joined, `${name}.proj`, width, width);
}

/**
 * Index of the learned bias for two positions of a window, by vertical and horizontal distance: [area, area].
 */
function distanceIndex(layers: SamLayers, window: number): string {
  const area = window * window;
  const index = new Array<number>(area * area);
  for (let a = 0; a < area; a++) {
    for (let b = 0; b < area; b++) {
      const down = Math.abs(Math.floor(a / window) - Math.floor(b / window));
      index[a * area + b] = down * window + Math.abs((a % window) - (b % window));
    }
  }
  return layers.integers(index, [area, area]);
}

function toTokens(layers: SamLayers, { value, width, grid }: Picture): string {
  return layers.transpose(layers.reshape(value, [width, grid * grid]), [1, 0]);
}

function toPicture(layers: SamLayers, tokens: string, { width, grid }: Picture): Picture {
  return { value: layers.reshape(layers.transpose(tokens, [1, 0]), [1, width, grid, grid]), width, grid };
}
