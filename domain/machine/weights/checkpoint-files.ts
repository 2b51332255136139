import { basename } from 'node:path';
import { digestOfFile, digestOfJson } from '../../digest.js';
import { isShardIndex, listShards } from '../../files/torch/shard-index.js';

/**
 * Lists the files of a checkpoint: the file itself or, for an index such as `model.safetensors.index.json`,
 * the index and the parts beside it that hold the tensors.
 * @throws SamMilError InvalidInput if an index is damaged
 */
export function listCheckpointFiles(path: string): [string, ...string[]] {
  return [path, ...listParts(path)];
}

/** Paths of the parts of a sharded checkpoint, in order; empty for any other file. */
export function listParts(path: string): string[] {
  return isShardIndex(path) ? [...listShards(path).keys()].sort() : [];
}

/** `sha256:...` of a checkpoint: of its file or, for several files, of the names with their digests. */
export async function digestOfCheckpoint(path: string): Promise<string> {
  const files = listCheckpointFiles(path);
  const digests: [string, string][] = [];
  for (const file of files) digests.push([basename(file), await digestOfFile(file)]);
  return joinDigests(digests);
}

/** @param digests of all files, by name, the file that was named first */
export function joinDigests(digests: readonly (readonly [name: string, digest: string])[]): string {
  const [[, first]] = digests;
  return digests.length === 1 ? first : digestOfJson(Object.fromEntries(digests));
}
