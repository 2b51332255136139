import { isJsonObject, type JsonObject } from '../../../../json.js';
import { claimsOf, numberOf, pairSide } from './config-values.js';
import type { Claim, HubConfig } from './config-facts.js';

/**
 * Reads the config.json of transformers' ViTModel and Dinov2Model, or the configuration in the package conch.
 * `layerscale_value` is an initial value, and `model_type` may be `dinov2` although there are registers.
 */
export function readTransformersConfig(path: string, value: JsonObject): HubConfig {
  return isJsonObject(value.vision_cfg) ? ofConch(path, value.vision_cfg) : ofTransformers(path, value);
}

function ofTransformers(path: string, value: JsonObject): HubConfig {
  return {
    path,
    claims: [
      ...claimsOf(value, '', {
        hidden_size: 'width',
        num_hidden_layers: 'depth',
        patch_size: 'patch',
        num_register_tokens: 'registers',
        qkv_bias: 'attentionBias',
        num_channels: 'channels',
        image_size: 'imageSize',
        intermediate_size: 'rows',
        use_swiglu_ffn: 'gated',
      }),
      ...perceptronOf(value),
    ],
    heads: numberOf(value.num_attention_heads),
    epsilon: numberOf(value.layer_norm_eps),
    imageSize: pairSide(value.image_size),
    ...(typeof value.hidden_act === 'string' && {
      activation: { key: 'hidden_act', value: value.hidden_act },
    }),
  };
}

/** Dinov2Model has a ratio, and for SwiGLU two thirds of its product, rounded up to a multiple of 8. */
function perceptronOf({ hidden_size: width, mlp_ratio: ratio, use_swiglu_ffn: gated }: JsonObject): Claim[] {
  if (typeof width !== 'number' || typeof ratio !== 'number') return [];
  const plain = Math.trunc(width * ratio);
  const hidden = gated === true ? Math.floor((Math.trunc((plain * 2) / 3) + 7) / 8) * 8 : plain;
  return [{ key: 'mlp_ratio', fact: 'hidden', value: hidden }];
}

function ofConch(path: string, value: JsonObject): HubConfig {
  return {
    path,
    claims: claimsOf(value, 'vision_cfg.', {
      width: 'width',
      layers: 'depth',
      patch_size: 'patch',
      image_size: 'imageSize',
    }),
    heads: numberOf(value.num_heads),
    imageSize: pairSide(value.image_size),
  };
}
