import { ANY, type ModelWeights } from '../../../../machine/onnx/model-weights.js';
import type { VitLayers } from './vit-layers.js';
import type { VitLayout } from './vit-layouts.js';

/** Epsilon of the pooler's layer normalizations, the default of PyTorch. */
const EPSILON = 1e-5;

/** Attention heads of the published poolers. */
const HEADS = 8;

interface Pooling {
  layout: VitLayout;
  /** Default 8. */
  heads?: number;
  /** Of the trunk. */
  width: number;
  tokens: number;
}

/** Prefix of the names beside the trunk. */
function beside({ trunk }: VitLayout): string {
  return trunk.replace(/trunk\.$/, '');
}

/**
 * Returns the length of the pooled features.
 * @throws SamMilError UnsupportedFormat if the layout has no pooler
 */
export function poolerDim(weights: ModelWeights, layout: VitLayout): number {
  if (layout.pooler === undefined) {
    throw weights.refusal('has no pooler', { expected: '`output`: cls, mean or cls+mean', found: 'pooled' });
  }
  return weights.tensor(`${beside(layout)}attn_pool_contrast.query`, [1, ANY]).shape[1];
}

/** Names of the tensors of the pooler, for networks that do not use it. */
export function poolerNames(layout: VitLayout): RegExp[] {
  const start = beside(layout).replaceAll('.', '\\.');
  return layout.pooler === undefined ? [] : [new RegExp(`^${start}(attn_pool_contrast|ln_contrast)\\.`)];
}

/**
 * Adds the attentional pooler of CONCH: one learned query attends to all tokens, the class token too. The
 * features are neither projected to the space of texts nor scaled to unit length.
 *
 * @param final [n, tokens, width] after the last norm of the trunk
 * @returns the name of `features` [n, dim]
 * @throws SamMilError UnsupportedFormat if a tensor does not fit, or the heads do not divide the width
 */
export function poolTokens(layers: VitLayers, final: string, pooling: Pooling): string {
  const { graph, weights } = layers;
  const { layout, width, tokens, heads = HEADS } = pooling;
  const dim = poolerDim(weights, layout);
  if (dim % heads !== 0) {
    throw weights.refusal('cannot be split into the heads of its pooler', {
      expected: `a width divisible by ${heads}`,
      found: `${dim}`,
    });
  }
  const start = `${beside(layout)}attn_pool_contrast.`;
  const query = layers.stored(`${start}query`, [1, dim]);
  const flat = graph.node('Reshape', [final, graph.constant([-1, width], [2], 'int64')]);
  const keys = layers.normalize(flat, `${start}ln_k`, width, EPSILON);
  const parts = PROJECTIONS[layout.pooler ?? 'conch'](layers, start, { dim, width });
  const [q, k, v] = [layers.normalize(query, `${start}ln_q`, dim, EPSILON), keys, keys].map((x, part) =>
    layers.multiply(x, parts[part].matrix, parts[part].bias),
  );
  const cut = (x: string, rows: number, perm: readonly number[]): string => {
    const shape = graph.constant([-1, rows, heads, dim / heads], [4], 'int64');
    return graph.node('Transpose', [graph.node('Reshape', [x, shape])], { perm });
  };
  const scaled = graph.node('Mul', [cut(q, 1, [0, 2, 1, 3]), graph.constant([(dim / heads) ** -0.5], [])]);
  const scores = graph.node('MatMul', [scaled, cut(k, tokens, [0, 2, 3, 1])]);
  const weighted = graph.node('MatMul', [
    graph.node('Softmax', [scores], { axis: -1 }),
    cut(v, tokens, [0, 2, 1, 3]),
  ]);
  const joined = graph.node('Reshape', [weighted, graph.constant([-1, dim], [2], 'int64')]);
  const out = layout.pooler === 'conch' ? 'attn.out_proj' : 'to_out';
  const pooled = layers.dense(joined, start + out, dim, dim, layout.pooler === 'conch');
  return layers.normalize(pooled, `${beside(layout)}ln_contrast`, dim, EPSILON, 'features');
}

interface Projection {
  matrix: string;
  bias?: string;
}

type Project = (layers: VitLayers, start: string, sizes: { dim: number; width: number }) => Projection[];

/** The matrices of query, keys and values. */
const PROJECTIONS: Record<NonNullable<VitLayout['pooler']>, Project> = {
  conch: (layers, start, { dim, width }) => {
    const bias = layers.stored(`${start}attn.in_proj_bias`, [3 * dim]);
    const biases = layers.graph.split(bias, 0, [dim, dim, dim]);
    return ['q', 'k', 'v'].map((part, index) => ({
      matrix: layers.stored(`${start}attn.${part}_proj_weight`, [dim, part === 'q' ? dim : width]),
      bias: biases[index],
    }));
  },
  'conch-1.5': (layers, start, { dim, width }) => {
    const both = layers.stored(`${start}to_kv.weight`, [2 * dim, width]);
    const [k, v] = layers.graph.split(both, 0, [dim, dim]);
    return [{ matrix: layers.stored(`${start}to_q.weight`, [dim, dim]) }, { matrix: k }, { matrix: v }];
  },
};
