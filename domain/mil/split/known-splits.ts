import { requireContent } from '../../engine/store/damaged-output.js';
import type { InputFile } from '../../job.js';
import { keyReader } from '../../machine/reader/reader-process.js';
import type { readSplits, Splits } from './splits.js';

/** Splits by the digest of their file: every fold of a stage asks for the same few. */
const known = new Map<string, Splits>();
const KEPT = 8;

/**
 * The splits in a file. They are read in a separate process, because the engine asks. Throws as
 * {@link readSplits}, and OutputDamaged.
 */
export async function splitsOf({ path, digest }: Pick<InputFile, 'path' | 'digest'>): Promise<Splits> {
  const before = known.get(digest);
  if (before !== undefined) return before;
  requireContent(path, digest);
  const module = new URL('./splits.js', import.meta.url).href;
  const splits = await keyReader.call<typeof readSplits>({ module, name: 'readSplits', file: path }, path);
  if (known.size >= KEPT) known.clear();
  known.set(digest, splits);
  return splits;
}
