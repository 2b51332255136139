import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { digestOfFile, digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import {
  asWriteError,
  commitTemporary,
  nameOfTemporary,
  temporaryName,
  writeAtomic,
} from '../../files/atomic.js';
import { goneFolder, isBelow, makeFoldersBelow } from '../../files/make-folders.js';
import { readItems } from '../../engine/store/items.js';
import type { FileRef, Job, JobResult } from '../../job.js';
import { outputFile } from '../output-refs.js';
import type { CopyWith } from './parameters.js';

interface Copy {
  from: string;
  digest: string;
  /** Relative to the target folder. */
  to: string;
}

/** An entry of copied.json. */
interface CopiedFile {
  /** Relative to the target folder. */
  path: string;
  digest: string;
}

/**
 * Copies the selected outputs to a folder. Each file appears whole or not at all (temporary name, digest
 * check, fsync, rename). All checks run before the first write: it refuses two files with the same name and a
 * target that holds different content. An earlier attempt that still runs copies nothing more: its temporary
 * files are removed first, and it creates no other once its scratch folder is gone.
 * @throws SamMilError InvalidInput when there is nothing to copy, names collide, the target holds other
 * content, or a source file changed
 */
export async function run(job: Job<CopyWith>): Promise<JobResult> {
  const { to, overwrite } = job.with;
  const folder = targetFolder(job.work, to);
  const copies = await listCopies(job);
  refuseSameNames(copies);
  if (!existsSync(job.scratch)) throw goneFolder(job.scratch);
  removeTemporaries(copies.map((copy) => join(folder, copy.to)));
  const pending = await neededCopies(copies, folder, overwrite);
  for (const [i, copy] of pending.entries()) {
    job.signal.throwIfAborted();
    job.progress({ unit: 'files', done: i, total: pending.length });
    await copyWhole(copy, join(folder, copy.to), job);
    job.progress({ unit: 'files', done: i + 1, total: pending.length });
  }
  const list: CopiedFile[] = copies.map(({ to: path, digest }) => ({ path, digest }));
  const manifest = join(job.scratch, 'copied.json');
  writeAtomic(manifest, `${JSON.stringify({ copied: 1, files: list }, null, 1)}\n`);
  return {
    files: { list: { from: manifest, to: 'copied.json' } },
    values: { count: copies.length, written: pending.length, digest: digestOfJson(list) },
  };
}

function targetFolder(work: string, to: string): string {
  return isAbsolute(to) ? resolve(to) : resolve(work, to);
}

/**
 * Describes the first copy that is missing from the target or has other content; undefined if all are intact.
 * `list` is the output `list`.
 */
export async function findCopyFault(
  work: string,
  to: string,
  list: FileRef,
  readDigest: (path: string) => Promise<string>,
): Promise<string | undefined> {
  const { files } = JSON.parse(readFileSync(join(work, list.path), 'utf8')) as { files: CopiedFile[] };
  for (const { path, digest } of files) {
    const target = join(targetFolder(work, to), path);
    if (!existsSync(target)) return `${path} is missing from ${to}`;
    if ((await readDigest(target)) !== digest) return `${path} was changed in ${to}`;
  }
  return undefined;
}

async function listCopies({ with: { files, items, outputs, layout }, work }: Job<CopyWith>): Promise<Copy[]> {
  const copies: Copy[] = (files ?? []).map(({ path, digest }) => ({
    from: path,
    digest,
    to: basename(path),
  }));
  if (items !== undefined) {
    if (outputs === undefined || outputs.length === 0) {
      throw new SamMilError(
        'InvalidInput',
        '`items` requires `outputs`, the names of the outputs to copy from each item',
      );
    }
    for (const item of readItems(items.path)) {
      if (item.status !== 'done') continue;
      for (const name of outputs) {
        const { absolute, path, digest } = await outputFile(item, name, work);
        const file = basename(path);
        copies.push({ from: absolute, digest, to: layout === 'by-item' ? `${item.key}/${file}` : file });
      }
    }
  }
  if (copies.length > 0) return copies.sort((a, b) => (a.to < b.to ? -1 : 1));
  throw new SamMilError('InvalidInput', 'nothing to copy', {
    expected: '`files`, or `items` with finished items',
  });
}

function refuseSameNames(copies: readonly Copy[]): void {
  copies.forEach((copy, i) => {
    const before = copies[i - 1];
    if (before === undefined || before.to !== copy.to || before.from === copy.from) return;
    throw new SamMilError('InvalidInput', `two files would be named ${copy.to}`, {
      found: `${before.from} and ${copy.from}`,
      next: 'set `layout: by-item`, or copy the files to different folders',
    });
  });
}

/** Returns the copies that are still to be made. Files that already have the same content are not touched. */
async function neededCopies(copies: readonly Copy[], folder: string, overwrite: boolean): Promise<Copy[]> {
  const pending: Copy[] = [];
  const different: string[] = [];
  for (const copy of copies) {
    const target = join(folder, copy.to);
    if (!existsSync(target)) pending.push(copy);
    else if ((await digestOfFile(target)) !== copy.digest) {
      pending.push(copy);
      different.push(target);
    }
  }
  if (different.length === 0 || overwrite) return pending;
  throw new SamMilError('InvalidInput', 'the target folder contains files with other content', {
    file: different[0],
    found: different.length === 1 ? '1 such file' : `${different.length} such files`,
    next: 'choose another folder, move these files away, or set `overwrite: true`',
  });
}

/** Removes what earlier attempts have not finished, so that their renames fail. */
function removeTemporaries(targets: readonly string[]): void {
  const own = new Set(targets);
  for (const folder of new Set(targets.map((target) => dirname(target)))) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) continue;
    for (const name of readdirSync(folder)) {
      const target = nameOfTemporary(name);
      if (target !== undefined && own.has(join(folder, target))) rmSync(join(folder, name), { force: true });
    }
  }
}

async function copyWhole(
  { from, digest }: Copy,
  target: string,
  { work, scratch }: Pick<Job, 'work' | 'scratch'>,
): Promise<void> {
  const temporary = temporaryName(target);
  try {
    await makeTargetFolder(work, dirname(target));
    await copyFile(from, temporary);
    const found = await digestOfFile(temporary);
    if (found !== digest) {
      throw new SamMilError('InvalidInput', 'the file changed while it was being copied', {
        file: from,
        expected: digest,
        found,
      });
    }
    // After the temporary file exists: a later attempt first takes this folder away, then the temporary file.
    if (!existsSync(scratch)) throw goneFolder(scratch);
    commitTemporary(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw existsSync(scratch) ? asWriteError(error, target) : goneFolder(scratch, error);
  }
}

/** Creates parents only outside the work folder: nothing recreates a work folder that was moved away. */
async function makeTargetFolder(work: string, folder: string): Promise<void> {
  if (isBelow(work, folder)) await makeFoldersBelow(work, folder);
  else mkdirSync(folder, { recursive: true });
}
