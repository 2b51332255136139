import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SamMilError } from '../../../../errors.js';
import { readJson } from '../../../../files/read-json.js';
import { isJsonObject, type Json, type JsonObject } from '../../../../json.js';
import type { ResizeFilter } from '../../../slides/resize.js';
import type { HubConfig } from './config-facts.js';
import { tripleOf } from './config-values.js';
import { readTimmConfig } from './timm-config.js';
import { readTransformersConfig } from './transformers-config.js';

/**
 * Reads a config.json in the form of timm, of transformers or of the package conch.
 * @param path default: config.json beside the weights, if it exists and describes a vision transformer
 * @throws SamMilError InvalidInput if the file at `path` has none of these forms
 */
export function readHubConfig(weights: string, path: string | undefined): HubConfig | undefined {
  const file = path ?? join(dirname(weights), 'config.json');
  if (path === undefined && !existsSync(file)) return undefined;
  const value = readJson(file, 'the configuration of the encoder', 'correct `config` of the encoder file');
  const config = isJsonObject(value) ? configOf(file, value) : undefined;
  if (config !== undefined || path === undefined) return config;
  throw new SamMilError('InvalidInput', 'this is not the configuration of a vision transformer', {
    file,
    expected: 'an object with `model_args` or `architecture` (timm), or `hidden_size` (transformers)',
    found: isJsonObject(value) ? `the keys ${Object.keys(value).slice(0, 8).join(', ')}` : 'no object',
  });
}

function configOf(path: string, value: JsonObject): HubConfig | undefined {
  if (isJsonObject(value.model_args) || typeof value.architecture === 'string')
    return readTimmConfig(path, value);
  if (value.hidden_size !== undefined || isJsonObject(value.vision_cfg)) {
    return { ...readTransformersConfig(path, value), ...preprocessing(path) };
  }
  return undefined;
}

/** Normalization and filter from the file that transformers keeps beside config.json. */
function preprocessing(config: string): Pick<HubConfig, 'mean' | 'std' | 'resize'> {
  const file = join(dirname(config), 'preprocessor_config.json');
  const value = existsSync(file) ? readJson(file, 'the preprocessing of the encoder') : {};
  if (!isJsonObject(value)) return {};
  const { image_mean: mean, image_std: std, resample } = value;
  return { mean: tripleOf(mean), std: tripleOf(std), resize: PILLOW_FILTERS.get(resample) };
}

/** Numbers of Pillow's filters. */
const PILLOW_FILTERS = new Map<Json | undefined, ResizeFilter>([
  [2, 'bilinear'],
  [3, 'bicubic'],
]);
