import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../errors.js';
import { nativeCacheFolder, platformKey } from './cache-folder.js';

/** The library's file name in the wheel, by platform. */
export const OPENSLIDE_MEMBERS: Readonly<Record<string, string>> = {
  'linux-x64': 'libopenslide.so.1',
  'linux-arm64': 'libopenslide.so.1',
  'darwin-x64': 'libopenslide.1.dylib',
  'darwin-arm64': 'libopenslide.1.dylib',
};

export const OPENSLIDE_VERSION = '4.0.1.2';

/** A library and how it was found: `doctor` prints both. */
export interface FoundLibrary {
  path: string;
  from: 'OPENSLIDE_LIB' | 'cache' | 'python' | 'system';
}

/**
 * The path of the installed library, for processes that are about to read a slide. Downloads nothing.
 *
 * @throws SamMilError `Unavailable`, stating what to install
 */
export function openSlideLibraryPath(): string {
  const found = locateOpenSlide();
  if (found === undefined) throw openSlideMissing();
  return found.path;
}

/** The installed library, or undefined. Downloads nothing. */
export function locateOpenSlide(): FoundLibrary | undefined {
  return givenLibrary() ?? cachedLibrary() ?? pythonLibrary() ?? systemLibrary();
}

export function givenLibrary(): FoundLibrary | undefined {
  const path = process.env.OPENSLIDE_LIB;
  if (!path) return undefined;
  if (existsSync(path)) return { path, from: 'OPENSLIDE_LIB' };
  throw new SamMilError('InvalidInput', 'OPENSLIDE_LIB names a file that does not exist', {
    file: path,
    next: 'correct the variable, or unset it so that the library is downloaded',
  });
}

export function cachedLibrary(): FoundLibrary | undefined {
  const member = OPENSLIDE_MEMBERS[platformKey()];
  if (member === undefined) return undefined;
  const path = join(openSlideFolder(), member);
  return existsSync(path) ? { path, from: 'cache' } : undefined;
}

/** Asks Python for the folder of its openslide_bin package without importing it. */
export function pythonLibrary(): FoundLibrary | undefined {
  const script =
    "import importlib.util as u; s = u.find_spec('openslide_bin'); print(s.submodule_search_locations[0] if s else '')";
  const result = spawnSync('python3', ['-c', script], { encoding: 'utf8', timeout: 20_000 });
  const folder = (result.stdout ?? '').trim();
  const path = join(folder, OPENSLIDE_MEMBERS[platformKey()] ?? '');
  return result.status === 0 && folder !== '' && existsSync(path) ? { path, from: 'python' } : undefined;
}

export function systemLibrary(): FoundLibrary | undefined {
  const folders = [
    '/usr/local/lib',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
  ];
  const names = ['libopenslide.so.1', 'libopenslide.so.0', 'libopenslide.1.dylib', 'libopenslide.0.dylib'];
  const paths = names.flatMap((name) =>
    [...folders, '/opt/homebrew/lib'].map((folder) => join(folder, name)),
  );
  const path = paths.find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : { path, from: 'system' };
}

export function openSlideFolder(): string {
  return join(nativeCacheFolder(), 'openslide', `${OPENSLIDE_VERSION}-${platformKey()}`);
}

/** The error for a missing library. `cause` states why the pinned version could not be downloaded. */
export function openSlideMissing(cause?: unknown): SamMilError {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new SamMilError('Unavailable', `the OpenSlide library was not found${why}`, {
    next: 'run `npx sam-mil doctor`, or install it (Debian: apt install libopenslide0), or set OPENSLIDE_LIB to libopenslide.so.1',
    cause,
  });
}
