import { classifier, stepDropout, embedBag } from './abmil.js';
import type { Aggregated, Aggregator } from './aggregator.js';
import {
  tf,
  type Tensor,
  type Rank,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '../compute/backend.js';
import { layerNorm } from '../compute/layers.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import { nystromAttention, nystromParameters, type NystromResult, type NystromShape } from './nystrom.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';

const HEADS = 8;
const OUT_DROPOUT = 0.1;
const KERNELS = [7, 5, 3];

/**
 * TransMIL (Shao et al. 2021) as trained by the common benchmark: the embedded bag is padded to a square with
 * its own first tokens and preceded by a class token. Two layers of Nyström attention follow, with a
 * convolutional position encoding on the square between them. The class token is classified. The order of the
 * instances matters. `attention` is the class token's row of the second layer, averaged over the heads. It
 * may be negative and does not sum to 1.
 */
export function build(config: ModelConfig): Model {
  return {
    parameters: [
      ...linearSpec('embed', config.dim, config.embedDim),
      ...transformerParameters(config, { normal: 1e-6 }),
    ],
    loss(weights, bag, context) {
      const h = embedBag(weights, bag, config, context);
      return context.bagLoss(transform(weights, h, config, context).logits);
    },
    infer(weights, bag) {
      const h = embedBag(weights, bag, config);
      const { logits, attention } = transform(weights, h, config);
      return {
        logits: tf.reshape(logits, [config.outputs]),
        attention: foldSquare(tf.mean(attention as Tensor2D, 0), bag.rows),
        instanceLogits: instanceLogits(weights, h),
      };
    },
  };
}

/**
 * TransMIL as the baseline of MHIM-MIL and SAM-MIL: the square is formed only inside the position encoding.
 */
export function selfAttentionAggregator(config: ModelConfig): Aggregator {
  return {
    parameters: transformerParameters(config, { normal: 1 }),
    instanceLogits,
    aggregate(weights, h, context): Aggregated {
      const n = h.shape[0];
      const first = layer(weights, withClassToken(weights, h), 'layer1', config, { context, firstRow: true });
      const positioned = aroundClassToken(first.tokens, (rest) => encodeFlexible(weights, rest));
      const second = layer(weights, positioned, 'layer2', config, { context, firstRow: true });
      const features = classToken(weights, second.tokens);
      const logits = classifier(weights, features);
      const layers = [first, second].map(({ firstRow }) =>
        tf.slice(firstRow as Tensor2D, [0, 1], [HEADS, n]),
      );
      return {
        ...{ logits, features, layers, ranking: layers[0] },
        loss: (context) => context.bagLoss(logits),
      };
    },
  };
}

function transformerParameters(config: ModelConfig, token: { normal: number }): ParameterSpec[] {
  const { embedDim, outputs } = config;
  const norm = (name: string): ParameterSpec[] => [
    { name: `${name}.g`, shape: [embedDim], init: 'ones' },
    { name: `${name}.b`, shape: [embedDim], init: 'zeros' },
  ];
  return [
    { name: 'cls_token', shape: [embedDim], init: token },
    ...['layer1', 'layer2'].flatMap((name) => [
      ...norm(`${name}.ln`),
      ...nystromParameters(name, nystromShape(config)),
    ]),
    ...KERNELS.flatMap((k): ParameterSpec[] => [
      // Xavier-normal of a depthwise kernel: fans of k x k and of channels x k x k.
      {
        name: `ppeg${k}.w`,
        shape: [embedDim, k, k],
        init: { normal: Math.sqrt(2 / (k * k * (1 + embedDim))) },
      },
      { name: `ppeg${k}.b`, shape: [embedDim], init: 'zeros' },
    ]),
    ...norm('ln'),
    ...linearSpec('cls', embedDim, outputs),
  ];
}

function nystromShape({ embedDim }: ModelConfig): NystromShape {
  return { dim: embedDim, heads: HEADS, landmarks: Math.floor(embedDim / 2) };
}

/**
 * The benchmark's network on tokens [1 + s^2, embed]. In evaluation it also returns the class token's row of
 * the second layer.
 */
function transform(weights: Weights, h: Tensor2D, config: ModelConfig, context?: StepContext) {
  const side = Math.ceil(Math.sqrt(h.shape[0]));
  return tf.tidy(() => {
    const tokens = withClassToken(weights, fillUp(h, side * side));
    const first = layer(weights, tokens, 'layer1', config, { context, firstRow: false });
    const positioned = aroundClassToken(first.tokens, (rest) => encodePosition(weights, rest, side));
    const second = layer(weights, positioned, 'layer2', config, {
      context,
      firstRow: context === undefined,
    });
    const logits = classifier(weights, classToken(weights, second.tokens));
    return { logits, ...(second.firstRow && { attention: second.firstRow }) };
  });
}

/** h + attention(layer norm of h). A model without dropout after the embedding has no dropout here either. */
function layer(
  weights: Weights,
  h: Tensor2D,
  name: string,
  config: ModelConfig,
  { context, firstRow }: { context?: StepContext; firstRow: boolean },
): NystromResult {
  const own = config.dropout === 0 ? undefined : context;
  const drop = stepDropout({ ...config, dropout: OUT_DROPOUT }, own, name);
  return tf.tidy(() => {
    const normal = norm(weights, h, `${name}.ln`);
    const result = nystromAttention(normal, weights, name, nystromShape(config), {
      firstRow,
      ...(drop && { dropout: drop }),
    });
    return { ...result, tokens: tf.add<Tensor2D>(h, result.tokens) };
  });
}

function norm(weights: Weights, x: Tensor2D, name: string): Tensor2D {
  return layerNorm(x, weights[`${name}.g`] as Tensor1D, weights[`${name}.b`] as Tensor1D);
}

function withClassToken(weights: Weights, h: Tensor2D): Tensor2D {
  return tf.concat([tf.reshape<Rank.R2>(weights.cls_token, [1, h.shape[1]]), h]);
}

/** Normalized first token, [1, embed]. */
function classToken(weights: Weights, tokens: Tensor2D): Tensor2D {
  return norm(weights, tf.slice(tokens, [0, 0], [1, -1]), 'ln');
}

/** Applies `f` to all tokens but the first. */
function aroundClassToken(tokens: Tensor2D, f: (rest: Tensor2D) => Tensor2D): Tensor2D {
  return tf.tidy(() => {
    const [first, rest] = tf.split<Tensor2D>(tokens, [1, tokens.shape[0] - 1]);
    return tf.concat([first, f(rest)]);
  });
}

/** The rows, followed by the first ones again up to `count` rows. */
function fillUp(h: Tensor2D, count: number): Tensor2D {
  const missing = count - h.shape[0];
  return missing === 0 ? h : tf.concat([h, tf.slice(h, [0, 0], [missing, -1])]);
}

/**
 * Position encoding: tokens on a square, row by row, plus their depthwise 7 x 7, 5 x 5 and 3 x 3 convolutions
 * (zero padding). These are linear, so one convolution with the sum of the kernels computes them.
 */
function encodePosition(weights: Weights, tokens: Tensor2D, side: number): Tensor2D {
  const embed = tokens.shape[1];
  const size = KERNELS[0];
  const kernels = KERNELS.map((k) => {
    const margin = (size - k) / 2;
    const around: [number, number] = [margin, margin];
    return tf.pad(weights[`ppeg${k}.w`], [[0, 0], around, around]);
  });
  const filter = tf.reshape<Rank.R4>(tf.transpose(tf.addN(kernels), [1, 2, 0]), [size, size, embed, 1]);
  const grid = tf.reshape<Rank.R4>(tokens, [1, side, side, embed]);
  const convolved = tf.depthwiseConv2d<Tensor4D>(grid, filter, 1, 'same');
  const bias = tf.addN(KERNELS.map((k) => weights[`ppeg${k}.b`]));
  return tf.add(tokens, tf.add(tf.reshape(convolved, [side * side, embed]), bias));
}

/**
 * The position encoding of any number of tokens: padded to a square, and with zeros to 7 x 7 if the square is
 * smaller, then cut back.
 */
function encodeFlexible(weights: Weights, tokens: Tensor2D): Tensor2D {
  const n = tokens.shape[0];
  const side = Math.ceil(Math.sqrt(n));
  const least = KERNELS[0];
  const square = fillUp(tokens, side * side);
  if (side >= least) return tf.slice(encodePosition(weights, square, side), [0, 0], [n, -1]);
  const padded: Tensor2D = tf.pad(square, [[0, least * least - side * side], [0, 0]]); // prettier-ignore
  return tf.slice(encodePosition(weights, padded, least), [0, 0], [n, -1]);
}

/**
 * Attention over class token and square [1 + s^2] -> [rows]: drops the class token and adds the copies to
 * their originals.
 */
function foldSquare(row: Tensor, rows: number): Tensor1D {
  const values = row.dataSync();
  const folded = new Float32Array(rows);
  for (let i = 1; i < values.length; i++) folded[(i - 1) % rows] += values[i];
  return tf.tensor1d(folded);
}

function instanceLogits(weights: Weights, h: Tensor2D): Tensor2D {
  return classifier(weights, norm(weights, h, 'ln'));
}
