import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { isJsonObject } from '../../json.js';
import { readJson } from '../read-json.js';

/** Whether a path is that of the index of a checkpoint in several files (`model.safetensors.index.json`). */
export function isShardIndex(path: string): boolean {
  return path.endsWith('.json');
}

/**
 * Reads the index of a checkpoint in several files, as the Hugging Face libraries write it: an object whose
 * `weight_map` holds the file of each tensor.
 *
 * @returns names of the tensors by the path of their file
 * @throws SamMilError InvalidInput if it is not such an index; WeightsMissing naming the files that are
 *   missing
 */
export function readShardIndex(path: string): Map<string, string[]> {
  const shards = listShards(path);
  const missing = [...shards.keys()].filter((shard) => !existsSync(shard));
  if (missing.length === 0) return shards;
  throw new SamMilError('WeightsMissing', 'parts of the checkpoint are missing', {
    file: path,
    expected: `${shards.size} files beside the index`,
    found: `no ${missing.map((shard) => basename(shard)).join(', ')}`,
    next: 'copy the missing files to the folder of the index',
  });
}

/** As {@link readShardIndex}, whether or not the files exist. */
export function listShards(path: string): Map<string, string[]> {
  const index = readJson(path, 'the index of the checkpoint');
  const map = isJsonObject(index) ? index.weight_map : undefined;
  const shards = new Map<string, string[]>();
  for (const [name, file] of Object.entries(isJsonObject(map) ? map : {})) {
    // A file elsewhere could not be read as external data, and the hub never names one.
    if (typeof file !== 'string' || ['', '.', '..'].includes(file) || basename(file) !== file)
      throw refused(path, `${name}: ${JSON.stringify(file)}`);
    const shard = join(dirname(path), file);
    shards.set(shard, [...(shards.get(shard) ?? []), name]);
  }
  if (shards.size === 0) throw refused(path, 'no `weight_map`');
  return shards;
}

function refused(file: string, found: string): SamMilError {
  return new SamMilError('InvalidInput', 'this is not the index of a checkpoint', {
    file,
    expected: 'an object `weight_map` with the name of a file beside the index for each tensor',
    found,
  });
}
