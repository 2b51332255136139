import { isAbsolute } from 'node:path';
import { digestOfFile } from '../digest.js';
import { damagedOutput } from '../engine/store/damaged-output.js';
import { resolveInside } from '../engine/store/inside.js';
import { SamMilError } from '../errors.js';
import type { FileRef, ItemRecord } from '../job.js';
import { isFileRef } from '../job.js';

/**
 * Returns a file output of an item after checking the file against its published digest. A number read from
 * an edited file would otherwise be traced to the wrong content.
 * @throws SamMilError InvalidInput when the item has no such output, OutputDamaged when the file is missing
 * or has changed
 */
export async function outputFile(
  item: ItemRecord,
  name: string,
  work: string,
): Promise<FileRef & { absolute: string }> {
  const ref = item.outputs[name];
  if (!isFileRef(ref)) {
    throw new SamMilError('InvalidInput', `item "${item.key}" has no output "${name}"`, {
      found: Object.keys(item.outputs).join(', ') || 'no outputs',
      next: 'declare it in the `outputs` of the stage',
    });
  }
  const absolute = isAbsolute(ref.path) ? ref.path : await resolveInside(work, ref.path);
  const digest = await digestOfFile(absolute).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
      throw damagedOutput(ref.path, 'missing', { cause });
    throw new SamMilError('InvalidInput', `cannot read output "${name}" of item "${item.key}"`, {
      file: absolute,
      cause,
    });
  });
  if (digest !== ref.digest) {
    throw damagedOutput(ref.path, 'changed', { expected: ref.digest, found: digest });
  }
  return { path: ref.path, digest: ref.digest, bytes: ref.bytes, absolute };
}

/** Lists the file outputs of an item whose paths end in one of `endings`, sorted by output name. */
export function filesEndingIn(
  item: ItemRecord,
  endings: readonly string[],
): { name: string; ref: FileRef }[] {
  return Object.entries(item.outputs)
    .flatMap(([name, ref]) => (isFileRef(ref) ? [{ name, ref }] : []))
    .filter(({ ref }) => endings.some((ending) => ref.path.toLowerCase().endsWith(ending)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
