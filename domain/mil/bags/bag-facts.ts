import { SamMilError } from '../../errors.js';
import { openFeatures } from '../../pathology/layouts/bag-files.js';
import { isPt } from '../../pathology/layouts/feature-rows.js';
import type { JsonObject } from '../../json.js';
import type { Level0Px } from '../../units.js';

/**
 * The attributes of a bag's coords, in which CLAM, TRIDENT and pathology.extract describe patches and
 * encoder. A bare tensor has none.
 */
export function readAttributes(path: string): Record<string, unknown> {
  if (isPt(path)) return {};
  const reader = openFeatures(path);
  try {
    return reader.coordsAttributes();
  } finally {
    reader.close();
  }
}

/** The encoder of a bag, as far as its file states it: encoder, encoder_version, encoder_weights. */
export function encoderFacts(path: string): JsonObject {
  const known = Object.entries(readAttributes(path)).filter(
    ([name, value]) => name.startsWith('encoder') && (typeof value === 'string' || typeof value === 'number'),
  );
  return Object.fromEntries(known) as JsonObject;
}

/**
 * Describes each fact about the encoder in which bags differ: its name, version, weights, input size or
 * precision. Features of different encoders cannot be compared, even if they have the same length.
 */
export function mixedEncoders(bags: readonly { key: string; features: string }[]): string[] {
  const seen = new Map<string, Map<string, string>>();
  for (const { key, features } of bags) {
    const facts = encoderFacts(features);
    // A file without any fact, such as a bare tensor, contradicts none.
    if (facts.encoder === undefined) continue;
    const all = { encoder_precision: 'fp32', ...facts };
    for (const [name, value] of Object.entries(all)) {
      const values = seen.get(name) ?? seen.set(name, new Map()).get(name);
      if (!values?.has(String(value))) values?.set(String(value), key);
    }
  }
  return [...seen].flatMap(([name, values]) => {
    if (values.size < 2) return [];
    const shown = [...values].map(([value, key]) => `${value} (such as ${key})`).join(', ');
    return `the bags differ in ${name.replaceAll('_', ' ')}: ${shown}; extract all slides in the same way`;
  });
}

/**
 * Side of a bag's patches in level-0 pixels: TRIDENT's `patch_size_level0`, or `patch_size` times the
 * downsample of its level.
 * @param given overrides the file's attributes
 * @throws SamMilError InvalidInput where the size is unknown
 */
export function readPatchSize(path: string, given?: Level0Px): Level0Px {
  if (given !== undefined) return given;
  const { patch_size_level0: direct, patch_size: size, downsample } = readAttributes(path);
  if (typeof direct === 'number') return direct;
  const factor = Array.isArray(downsample) && typeof downsample[0] === 'number' ? downsample[0] : 1;
  if (typeof size === 'number') return Math.round(size * factor);
  throw new SamMilError('InvalidInput', 'the bag does not state its patch size', {
    file: path,
    expected: 'attribute patch_size or patch_size_level0 on its coords',
    next: 'set `patch-size-level0`, in level-0 pixels',
  });
}
