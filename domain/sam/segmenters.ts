import { SamMilError } from '../errors.js';
import type { SegmenterDefinition, SegmenterInfo } from './segmenter.js';

/** Segmenters by name; each is imported when it is first asked for. A new one takes one line here. */
const BUILT_IN: Readonly<Record<string, () => Promise<SegmenterDefinition>>> = {
  watershed: async () => (await import('./watershed.js')).watershed,
};

export const SEGMENTER_NAMES: readonly string[] = Object.keys(BUILT_IN);

/** @throws SamMilError `InvalidInput`, listing the names */
export async function findSegmenter(name: string): Promise<SegmenterDefinition> {
  const load = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  if (load) return load();
  throw new SamMilError('InvalidInput', `there is no segmenter ${JSON.stringify(name)}`, {
    expected: SEGMENTER_NAMES.join(', '),
    found: name,
  });
}

/** What of a segmenter decides its masks, for the cache key. */
export function keyOfSegmenter({ name, version, weightsDigest }: SegmenterInfo): {
  name: string;
  version: number;
  weightsDigest: string | null;
} {
  return { name, version, weightsDigest };
}
