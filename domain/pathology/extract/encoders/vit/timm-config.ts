import { isJsonObject, type Json, type JsonObject } from '../../../../json.js';
import type { Claim, HubConfig } from './config-facts.js';
import { claimsOf, numberOf, pairSide, tripleOf } from './config-values.js';

/** Width and heads of timm's vision transformers, by the start of their names. */
const NAMED = [
  { name: 'vit_tiny_', width: 192, heads: 3 },
  { name: 'vit_small_', width: 384, heads: 6 },
  { name: 'vit_base_', width: 768, heads: 12 },
  { name: 'vit_large_', width: 1024, heads: 16 },
  { name: 'vit_huge_', width: 1280, heads: 16 },
  { name: 'vit_giant_', width: 1408, heads: 16 },
  { name: 'vit_giant_', width: 1536, heads: 24 },
  { name: 'vit_gigantic_', width: 1664, heads: 16 },
] as const;

/**
 * Reads the config.json of timm. It names an architecture and the arguments that differ from it; the
 * architecture's own patch size and depth are not used, because published files contradict them.
 */
export function readTimmConfig(path: string, value: JsonObject): HubConfig {
  const args = objectOf(value.model_args);
  const shown = objectOf(value.pretrained_cfg);
  const name = typeof value.architecture === 'string' ? value.architecture : '';
  const imageSize = pairSide(args.img_size);
  return {
    path,
    claims: [
      ...claimsOf(value, '', { num_features: 'width' }),
      ...claimsOf(args, 'model_args.', {
        embed_dim: 'width',
        depth: 'depth',
        patch_size: 'patch',
        reg_tokens: 'registers',
        qkv_bias: 'attentionBias',
        in_chans: 'channels',
        img_size: 'imageSize',
      }),
      ...withoutClassPosition(args),
      ...rowsOf(args, numberOf(args.embed_dim) ?? numberOf(value.num_features)),
    ],
    heads: numberOf(args.num_heads),
    headsOfName: (width) => NAMED.find((one) => name.startsWith(one.name) && one.width === width)?.heads,
    imageSize,
    ...(typeof args.act_layer === 'string' && {
      activation: { key: 'model_args.act_layer', value: args.act_layer },
    }),
    mean: tripleOf(shown.mean),
    std: tripleOf(shown.std),
    ...((shown.interpolation === 'bilinear' || shown.interpolation === 'bicubic') && {
      resize: shown.interpolation,
    }),
  };
}

function withoutClassPosition(args: JsonObject): Claim[] {
  const key = 'no_embed_class';
  return typeof args[key] === 'boolean'
    ? [{ key: `model_args.${key}`, fact: 'classPosition', value: !args[key] }]
    : [];
}

/** timm truncates the product. */
function rowsOf({ mlp_ratio: ratio }: JsonObject, width: number | undefined): Claim[] {
  if (typeof ratio !== 'number' || width === undefined) return [];
  return [{ key: 'model_args.mlp_ratio', fact: 'rows', value: Math.trunc(width * ratio) }];
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
