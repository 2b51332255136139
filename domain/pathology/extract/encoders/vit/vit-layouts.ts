import type { NetworkNames } from '../../../../machine/onnx/network-tensors.js';
import type { PositionRule } from './vit-options.js';

/** Names of the parts of a vision transformer, relative to the trunk and, within a block, to the block. */
export interface VitNames {
  patch: string;
  classToken: string;
  positions: string;
  /** Alternatives. */
  registers: readonly string[];
  blocks: string;
  norm1: string;
  /** One packed matrix (rows of q, k, v), or three. */
  attention: readonly [string] | readonly [string, string, string];
  projection: string;
  scale1: string;
  norm2: string;
  /** Alternatives: one matrix, or a gate and a factor, then the matrix back to the width. */
  perceptrons: readonly Perceptron[];
  scale2: string;
  norm: string;
}

export interface Perceptron {
  into: readonly [string] | readonly [string, string];
  out: string;
}

/** How a published family of vision transformers names its tensors. */
export interface VitLayout extends NetworkNames {
  /** For messages. */
  title: string;
  /** What precedes the names of the trunk. */
  trunk: string;
  names: VitNames;
  pooler?: 'conch' | 'conch-1.5';
  /** Whether positions always cover the class token and never the registers. */
  classPosition: boolean;
  /** How the published code resamples positions. */
  positions(registers: number): PositionRule;
}

const FLAT: VitNames = {
  patch: 'patch_embed.proj',
  classToken: 'cls_token',
  positions: 'pos_embed',
  registers: ['reg_token', 'register_tokens'],
  blocks: 'blocks',
  norm1: 'norm1',
  attention: ['attn.qkv'],
  projection: 'attn.proj',
  scale1: 'ls1.gamma',
  norm2: 'norm2',
  perceptrons: [
    { into: ['mlp.fc1'], out: 'mlp.fc2' },
    { into: ['mlp.w12'], out: 'mlp.w3' },
    { into: ['mlp.fc1_g', 'mlp.fc1_x'], out: 'mlp.fc2' },
    { into: ['mlp.w1', 'mlp.w2'], out: 'mlp.w3' },
  ],
  scale2: 'ls2.gamma',
  norm: 'norm',
};

const HUGGING_FACE: Omit<VitNames, 'norm1' | 'norm2' | 'perceptrons'> = {
  patch: 'embeddings.patch_embeddings.projection',
  classToken: 'embeddings.cls_token',
  positions: 'embeddings.position_embeddings',
  registers: ['embeddings.register_tokens'],
  blocks: 'encoder.layer',
  attention: ['attention.attention.query', 'attention.attention.key', 'attention.attention.value'],
  projection: 'attention.output.dense',
  scale1: 'layer_scale1.lambda1',
  scale2: 'layer_scale2.lambda1',
  norm: 'layernorm',
};

const HUGGING_FACE_UNUSED = [/^embeddings\.mask_token$/, /^(pooler|classifier)\./];

/** Heads of classifiers and of DINO's training, and the token of masked patches. */
const FLAT_UNUSED = [/^(head|head_dist|dino_head|ibot_head)\./, /^mask_token$/];

const TIMM: VitLayout = {
  title: "a vision transformer with timm's names",
  anchor: 'patch_embed.proj.weight',
  trunk: '',
  names: FLAT,
  unused: FLAT_UNUSED,
  classPosition: false,
  positions: () => 'antialiased',
};

const DINOV2: VitLayout = {
  ...TIMM,
  title: "a vision transformer with DINOv2's names",
  classPosition: true,
  positions: (registers) => (registers > 0 ? 'antialiased' : 'by-factor'),
};

const HF_VIT: VitLayout = {
  title: 'ViTModel of transformers',
  anchor: 'embeddings.patch_embeddings.projection.weight',
  trunk: '',
  names: {
    ...HUGGING_FACE,
    norm1: 'layernorm_before',
    norm2: 'layernorm_after',
    perceptrons: [{ into: ['intermediate.dense'], out: 'output.dense' }],
  },
  unused: HUGGING_FACE_UNUSED,
  classPosition: true,
  positions: () => 'to-size',
};

const HF_DINOV2: VitLayout = {
  ...HF_VIT,
  title: 'Dinov2Model of transformers',
  names: {
    ...HUGGING_FACE,
    norm1: 'norm1',
    norm2: 'norm2',
    perceptrons: [
      { into: ['mlp.fc1'], out: 'mlp.fc2' },
      { into: ['mlp.weights_in'], out: 'mlp.weights_out' },
    ],
  },
  positions: (registers) => (registers > 0 ? 'antialiased' : 'to-size'),
};

const CONCH: VitLayout = {
  ...TIMM,
  title: "CONCH's image tower",
  anchor: 'visual.trunk.patch_embed.proj.weight',
  trunk: 'visual.trunk.',
  unused: [/^text\./, /^logit_scale$/, /^visual\.(attn_pool|ln)_caption\./, /^visual\.proj_contrast$/],
  pooler: 'conch',
};

const CONCH_15: VitLayout = {
  ...TIMM,
  title: 'CONCH 1.5',
  anchor: 'trunk.patch_embed.proj.weight',
  trunk: 'trunk.',
  unused: [],
  pooler: 'conch-1.5',
  positions: () => 'by-factor',
};

/** What only checkpoints of the DINOv2 repository have: timm renames or drops these. */
const DINOV2_ONLY = /(^|\.)(register_tokens|mask_token|mlp\.w12?\.weight|blocks\.\d+\.\d+\.norm1\.weight)$/;

/** Recognizes the layout of a checkpoint by the names of its tensors. */
export function vitLayout(names: Iterable<string>, prefix = ''): VitLayout {
  const list = [...names].filter((name) => name.startsWith(prefix));
  const some = (pattern: RegExp): boolean => list.some((name) => pattern.test(name));
  if (some(/(^|\.)visual\.attn_pool_contrast\.query$/)) return CONCH;
  if (some(/(^|\.)attn_pool_contrast\.query$/)) return CONCH_15;
  if (some(/(^|\.)embeddings\.patch_embeddings\.projection\.weight$/)) {
    return some(/(^|\.)encoder\.layer\.\d+\.layernorm_before\.weight$/) ? HF_VIT : HF_DINOV2;
  }
  return some(DINOV2_ONLY) ? DINOV2 : TIMM;
}
