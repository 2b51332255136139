import type { ValueSchema } from '../../../../activity-schema.js';
import { count, text } from '../../../../machine/weights/model-file-keys.js';
import { ACTIVATIONS, POSITION_RULES, VIT_OUTPUTS } from './vit-options.js';

/** The keys of an encoder file that only a vision transformer (`architecture: vit`) has. */
export const VIT_KEYS = {
  config: text(
    "path of the hub's config.json, in the form of timm or transformers; default: config.json beside the weights, if it exists",
  ),
  heads: {
    ...count('number of attention heads; default: that of config.json'),
    'x-synonyms': ['num-heads', 'num-attention-heads', 'attention-heads'],
  },
  'image-size': count(
    'side in pixels of the images that the stored positions are for, if their number alone does not tell',
  ),
  epsilon: {
    type: 'number',
    exclusiveMinimum: 0,
    description: 'epsilon of the layer normalizations; default: that of config.json, or 1e-6',
  },
  activation: {
    enum: ACTIVATIONS,
    description: 'activation of plain perceptrons: `gelu` (default) or `quick-gelu`; gated ones have SiLU',
  },
  output: {
    enum: VIT_OUTPUTS,
    description:
      'features: `cls`, the class token (default); `mean` of the patch tokens; `cls+mean`; `pooled`, the pooler of CONCH (its default)',
  },
  positions: {
    enum: POSITION_RULES,
    description:
      'how positions are resampled if `size` is not the stored image size; default: as the code that published the names of the tensors',
  },
  'pooler-heads': count("attention heads of CONCH's pooler; default 8"),
} as const satisfies Readonly<Record<string, ValueSchema>>;
