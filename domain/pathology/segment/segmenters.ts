import { extname } from 'node:path';
import { SamMilError } from '../../errors.js';
import type { InputFile } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { SegmenterDefinition, SegmenterInfo } from './segmenter/segmenter.js';

/** Segmenters by name; each is imported when it is first asked for. A new one takes one line here. */
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
 * @throws SamMilError `InvalidInput`, listing the names or the faults of the file
 */
export async function findSegmenter(
  segmenter: string | Pick<InputFile, 'path'>,
): Promise<SegmenterDefinition> {
  if (typeof segmenter !== 'string')
    return (await import('./sam/sam-segmenter.js')).samOfFile(segmenter.path);
  const load = Object.hasOwn(BUILT_IN, segmenter) ? BUILT_IN[segmenter] : undefined;
  if (load) return load();
  const isFile = ['.yaml', '.yml', '.json'].includes(extname(segmenter));
  if (isFile) return (await import('./sam/sam-segmenter.js')).samOfFile(segmenter);
  throw new SamMilError('InvalidInput', `there is no segmenter ${JSON.stringify(segmenter)}`, {
    expected: `${SEGMENTER_NAMES.join(', ')}, or a YAML or JSON file that describes one`,
    found: segmenter,
  });
}

/**
 * The segmenter with its weights on this machine, so that {@link keyOfSegmenter} can name them.
 *
 * @throws SamMilError `WeightsMissing` with the command that brings them
 */
export async function segmenterWithWeights(
  segmenter: string | Pick<InputFile, 'path'>,
  log: (line: string) => void = () => undefined,
): Promise<SegmenterDefinition> {
  const definition = await findSegmenter(segmenter);
  await definition.bring(log);
  // They may have come a moment ago.
  return definition.info.weightsDigest === undefined ? findSegmenter(segmenter) : definition;
}

/** What of a segmenter decides its masks, for the cache key. Licence and note do not. Throws `WeightsMissing` where its weights are not here. */
export function keyOfSegmenter({ name, version, weightsDigest, network }: SegmenterInfo): JsonObject {
  if (weightsDigest === undefined) {
    throw new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`);
  }
  return { name, version, weightsDigest, ...(network && { network }) };
}
