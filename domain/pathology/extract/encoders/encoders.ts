import { extname } from 'node:path';
import { related } from '../../../engine/language/expressions/did-you-mean.js';
import { SamMilError } from '../../../errors.js';
import { HUB_ENCODER_NAMES } from '../../../machine/weights/hub-encoders.js';
import type { InputFile } from '../../../job.js';
import type { JsonObject } from '../../../json.js';
import type { EncoderDefinition, EncoderInfo } from './encoder.js';

/** Built-in encoders by name. Each is imported on first use. To add one, add a line here, or a row to the
 * tables of published encoders. */
const BUILT_IN: Readonly<Record<string, () => Promise<EncoderDefinition>>> = {
  resnet50: async () => (await import('./manifest-encoders.js')).resNet50(),
  plip: async () => (await import('./manifest-encoders.js')).plip(),
  'efficientnet-lite0': async () => (await import('./efficientnet-lite0.js')).efficientNetLite0,
  'stain-texture': async () => (await import('./stain-texture.js')).stainTexture,
  ...Object.fromEntries(
    HUB_ENCODER_NAMES.map((name) => [
      name,
      async () => (await import('./manifest-encoders.js')).publishedEncoder(name),
    ]),
  ),
};

export const ENCODER_NAMES: readonly string[] = Object.keys(BUILT_IN);

/**
 * @param encoder a built-in name, or the YAML or JSON file of an encoder.
 * @throws SamMilError InvalidInput listing the names
 */
export async function findEncoder(encoder: string | Pick<InputFile, 'path'>): Promise<EncoderDefinition> {
  if (typeof encoder !== 'string') return (await import('./encoder-file.js')).readEncoderFile(encoder.path);
  const load = Object.hasOwn(BUILT_IN, encoder) ? BUILT_IN[encoder] : undefined;
  if (load) return load();
  const isFile = ['.yaml', '.yml', '.json'].includes(extname(encoder));
  if (isFile) return (await import('./encoder-file.js')).readEncoderFile(encoder);
  const match = related(encoder, ENCODER_NAMES);
  throw new SamMilError('InvalidInput', `unknown encoder ${JSON.stringify(encoder)}`, {
    expected: `${ENCODER_NAMES.join(', ')}, or a YAML or JSON encoder file`,
    found: encoder,
    next: match && `did you mean \`${match}\`?`,
  });
}

export interface ChosenEncoder {
  definition: EncoderDefinition;
  /** Reason for using the fallback; undefined if the requested encoder is used. */
  fallbackBecause?: string;
}

/**
 * Returns the encoder to use: the requested encoder, or `fallback`, if specified, when the weights of the
 * requested encoder are unavailable. Without a fallback, nothing is downloaded.
 */
export async function chooseEncoder(
  encoder: string | Pick<InputFile, 'path'>,
  fallback: string | undefined,
  log: (line: string) => void = () => undefined,
): Promise<ChosenEncoder> {
  const definition = await findEncoder(encoder);
  if (fallback === undefined) return { definition: await withWeights(encoder, definition, log) };
  const replacement = await findEncoder(fallback);
  const missing = await reasonWhyMissing(definition, log);
  return missing === undefined
    ? { definition: await withWeights(encoder, definition, log) }
    : { definition: await withWeights(fallback, replacement, log), fallbackBecause: missing };
}

/**
 * A cache key requires the digest of the weights. If they were not installed in the meantime, this reports
 * how to install them.
 */
async function withWeights(
  encoder: string | Pick<InputFile, 'path'>,
  definition: EncoderDefinition,
  log: (line: string) => void,
): Promise<EncoderDefinition> {
  if (definition.info.weightsDigest !== undefined) return definition;
  await definition.bring(log);
  return findEncoder(encoder);
}

/** How long a failed download is remembered, so that a thousand slides do not each wait for the network. */
const REMEMBERED_MS = 60_000;
const failures = new Map<string, { reason: string; until: number }>();

async function reasonWhyMissing(
  definition: EncoderDefinition,
  log: (line: string) => void,
): Promise<string | undefined> {
  const known = failures.get(definition.info.name);
  if (known && known.until > Date.now()) return known.reason;
  try {
    await definition.bring(log);
    return undefined;
  } catch (error) {
    if (!(error instanceof SamMilError && error.code === 'WeightsMissing')) throw error;
    failures.set(definition.info.name, { reason: error.message, until: Date.now() + REMEMBERED_MS });
    return error.message;
  }
}

/**
 * Returns what determines the features of an encoder, for the cache key; license and note are excluded.
 * @throws SamMilError WeightsMissing if the weights are missing on this machine
 */
export function keyOfEncoder(info: EncoderInfo): JsonObject {
  const { name, version, weightsDigest, architecture, inputSize, resize, resizeTo, mean, std, dim } = info;
  if (weightsDigest === undefined) {
    throw new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`);
  }
  return {
    ...{ name, version, weightsDigest },
    ...(architecture && { architecture }),
    ...{ inputSize, resize },
    ...(resizeTo !== undefined && resizeTo !== inputSize && { resizeTo }),
    ...{ mean: [...mean], std: [...std], dim },
  };
}
