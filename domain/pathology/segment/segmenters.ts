import { extname } from 'node:path';
import { SamMilError } from '../../errors.js';
import type { InputFile } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { SegmenterDefinition, SegmenterInfo } from './segmenter/segmenter.js';

/** Built-in segmenters by name. Each is imported on first use. To add one, add a line here. */
const BUILT_IN: Readonly<Record<string, () => Promise<SegmenterDefinition>>> = {
  'sam-vit-h': async () => (await import('./sam/sam-segmenter.js')).publishedSam('sam-vit-h'),
  'sam-vit-l': async () => (await import('./sam/sam-segmenter.js')).publishedSam('sam-vit-l'),
  'sam-vit-b': async () => (await import('./sam/sam-segmenter.js')).publishedSam('sam-vit-b'),
  'mobile-sam': async () => (await import('./sam/sam-segmenter.js')).publishedSam('mobile-sam'),
  watershed: async () => (await import('./watershed/watershed.js')).watershed,
};

export const SEGMENTER_NAMES: readonly string[] = Object.keys(BUILT_IN);

/**
 * @param segmenter a built-in name, or the YAML or JSON file of a segmenter
 * @throws SamMilError InvalidInput listing the names or the errors in the file
 */
export async function findSegmenter(
  segmenter: string | Pick<InputFile, 'path'>,
): Promise<SegmenterDefinition> {
  if (typeof segmenter !== 'string')
    return (await import('./sam/sam-segmenter.js')).readCustomSam(segmenter.path);
  const load = Object.hasOwn(BUILT_IN, segmenter) ? BUILT_IN[segmenter] : undefined;
  if (load) return load();
  const isFile = ['.yaml', '.yml', '.json'].includes(extname(segmenter));
  if (isFile) return (await import('./sam/sam-segmenter.js')).readCustomSam(segmenter);
  throw new SamMilError('InvalidInput', `unknown segmenter ${JSON.stringify(segmenter)}`, {
    expected: `${SEGMENTER_NAMES.join(', ')}, or a YAML or JSON segmenter file`,
    found: segmenter,
  });
}

/**
 * Returns the segmenter with its weights on this machine, so that {@link keyOfSegmenter} can name them.
 *
 * @throws SamMilError WeightsMissing with the command that installs them
 */
export async function segmenterWithWeights(
  segmenter: string | Pick<InputFile, 'path'>,
  log: (line: string) => void = () => undefined,
): Promise<SegmenterDefinition> {
  const definition = await findSegmenter(segmenter);
  await definition.bring(log);
  // `bring` may have installed them.
  return definition.info.weightsDigest === undefined ? findSegmenter(segmenter) : definition;
}

/**
 * Returns what determines the masks of a segmenter, for the cache key; license and note are excluded.
 * @throws SamMilError WeightsMissing if the weights are missing on this machine
 */
export function keyOfSegmenter({ name, version, weightsDigest, network }: SegmenterInfo): JsonObject {
  if (weightsDigest === undefined) {
    throw new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`);
  }
  return { name, version, weightsDigest, ...(network && { network }) };
}
