import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { Unzip, UnzipInflate, UnzipPassThrough, type UnzipFile } from 'fflate';
import { SamMilError } from '../errors.js';

export interface UnzipOptions {
  /** Returns the path of a member below the folder, or undefined to skip it. */
  select: (member: string) => string | undefined;
  executable?: (path: string) => boolean;
  /** Call fsync on each file. */
  durable: boolean;
}

/**
 * Streams selected members of an archive into a folder, with constant memory for members of any size.
 *
 * @returns the number of members written
 * @throws SamMilError `InvalidInput` where the archive is truncated or damaged, or a member would leave the
 *   folder
 */
export async function unzipMembers(archive: string, folder: string, options: UnzipOptions): Promise<number> {
  let started = 0;
  let ended = 0;
  const unzip = new Unzip((member) => {
    const path = member.name.endsWith('/') ? undefined : options.select(member.name);
    if (path === undefined) return;
    started++;
    writeMember(member, resolveInside(folder, path), options, path, () => ended++);
  });
  unzip.register(UnzipInflate);
  unzip.register(UnzipPassThrough);
  for await (const chunk of createReadStream(archive, { highWaterMark: 1 << 20 }))
    unzip.push(chunk as Buffer);
  unzip.push(new Uint8Array(0), true);
  if (ended !== started) {
    throw new SamMilError('InvalidInput', 'the archive ends in the middle of a member', { file: archive });
  }
  return ended;
}

function writeMember(
  member: UnzipFile,
  target: string,
  options: UnzipOptions,
  path: string,
  onEnd: () => void,
): void {
  mkdirSync(dirname(target), { recursive: true });
  const descriptor = openSync(target, 'wx', options.executable?.(path) ? 0o755 : 0o644);
  member.ondata = (error, chunk, final) => {
    if (error) {
      closeSync(descriptor);
      throw new SamMilError('InvalidInput', `member ${member.name} cannot be unzipped`, { cause: error });
    }
    for (let written = 0; written < chunk.length;) {
      written += writeSync(descriptor, chunk, written);
    }
    if (!final) return;
    if (options.durable) fsyncSync(descriptor);
    closeSync(descriptor);
    onEnd();
  };
  member.start();
}

/** A member named `../x` or `/x` must not be written outside the folder. */
function resolveInside(folder: string, path: string): string {
  const target = resolve(folder, path);
  if (target.startsWith(resolve(folder) + sep)) return target;
  throw new SamMilError('InvalidInput', 'a member of the archive would be written outside its folder', {
    file: path,
  });
}
