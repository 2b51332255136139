import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { digestOfFile, digestOfJson } from '../../digest.js';

/** Digests by path and stamp, cached because models are large and the cache key of every item needs them. */
const digests = new Map<string, string>();

/** Returns one digest of the files of a model. */
export async function digestWeights(files: readonly string[]): Promise<string> {
  const entries: [string, string][] = [];
  for (const file of files) entries.push([basename(file), await stampedDigest(file)]);
  return entries.length === 1 ? entries[0][1] : digestOfJson(Object.fromEntries(entries));
}

async function stampedDigest(file: string): Promise<string> {
  const { size, mtimeNs, ino } = statSync(file, { bigint: true });
  const stamp = `${file}\n${size}\n${mtimeNs}\n${ino}`;
  const digest = digests.get(stamp) ?? (await digestOfFile(file));
  digests.set(stamp, digest);
  return digest;
}
