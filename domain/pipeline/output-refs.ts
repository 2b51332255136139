import { isAbsolute, join } from 'node:path';
import { digestOfFile } from '../digest.js';
import { SamMilError } from '../errors.js';
import type { FileRef, ItemRecord } from '../job.js';
import { isFileRef } from '../job.js';

/**
 * A file output of an item, checked against the digest it was published with: a number read from an edited file would be traced to the wrong
 * content.
 * @throws SamMilError InvalidInput when the item has no such output, or the file is gone or changed
 */
export async function outputFile(
  item: ItemRecord,
  name: string,
  work: string,
): Promise<FileRef & { absolute: string }> {
  const ref = item.outputs[name];
  if (!isFileRef(ref)) {
    throw new SamMilError('InvalidInput', `item "${item.key}" has no output "${name}"`, {
      found: Object.keys(item.outputs).join(', ') || 'no output',
      next: 'declare it in the outputs of its stage',
    });
  }
  const absolute = isAbsolute(ref.path) ? ref.path : join(work, ref.path);
  const digest = await digestOfFile(absolute).catch((cause: unknown) => {
    throw new SamMilError('InvalidInput', `"${name}" of item "${item.key}" can't be read`, {
      file: absolute,
      cause,
    });
  });
  if (digest !== ref.digest) {
    throw new SamMilError(
      'InvalidInput',
      `"${name}" of item "${item.key}" was changed after it was published`,
      {
        file: absolute,
        expected: ref.digest,
        found: digest,
        next: 'run the pipeline again: the changed file is noticed and made anew',
      },
    );
  }
  return { path: ref.path, digest: ref.digest, bytes: ref.bytes, absolute };
}

/** File outputs of an item whose names end in one of `endings`, in the order of their output names. */
export function filesEndingIn(
  item: ItemRecord,
  endings: readonly string[],
): { name: string; ref: FileRef }[] {
  return Object.entries(item.outputs)
    .flatMap(([name, ref]) => (isFileRef(ref) ? [{ name, ref }] : []))
    .filter(({ ref }) => endings.some((ending) => ref.path.toLowerCase().endsWith(ending)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
