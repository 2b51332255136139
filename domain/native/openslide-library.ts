import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../errors.js';
import { nativeCacheFolder, platformKey, silent, type SetUpLog } from './cache-folder.js';
import { fetchWheel, type WheelRequest } from './wheel.js';

/** The library's file name in the wheel, by platform. */
const MEMBERS: Readonly<Record<string, string>> = {
  'linux-x64': 'libopenslide.so.1',
  'linux-arm64': 'libopenslide.so.1',
  'darwin-x64': 'libopenslide.1.dylib',
  'darwin-arm64': 'libopenslide.1.dylib',
};

const MACOS = {
  platform: 'macosx_11_0_universal2',
  sha256: '230cdb1e2cfa88b9f28ca8f51a7b47065b20a855ad3e7ba141cd663e5a713e8c',
};

const VERSION = '4.0.1.2';

/** A library and how it was found: `doctor` prints both. */
export interface FoundLibrary {
  path: string;
  from: 'OPENSLIDE_LIB' | 'cache' | 'python' | 'system';
}

/**
 * The OpenSlide library: `OPENSLIDE_LIB`, else the cached one, else the pinned wheel fetched into the cache (2.8 MB), else what Python's
 * openslide_bin package or the system holds. The pinned one comes before installed ones so that every machine reads the same pixels.
 * Throws `Unavailable`, saying what to install.
 */
export async function findOpenSlideLibrary(log: SetUpLog = silent): Promise<string> {
  const given = givenLibrary() ?? cachedLibrary();
  if (given !== undefined) return given.path;
  let reason: unknown;
  try {
    log(`OpenSlide ${VERSION}: fetching the library, 3 MB`);
    await fetchWheel(request(log));
    return join(cacheFolder(), MEMBERS[platformKey()]);
  } catch (error) {
    reason = error;
  }
  const installed = pythonLibrary() ?? systemLibrary();
  if (installed === undefined) throw missing(reason);
  log(`OpenSlide: using ${installed.path}, since the pinned one could not be fetched`);
  return installed.path;
}

/** The same search without fetching, for processes that are about to read a slide. Throws `Unavailable`. */
export function openSlideLibraryPath(): string {
  const found = locateOpenSlide();
  if (found === undefined) throw missing();
  return found.path;
}

/** What is there now, nothing fetched; undefined where there is none. */
export function locateOpenSlide(): FoundLibrary | undefined {
  return givenLibrary() ?? cachedLibrary() ?? pythonLibrary() ?? systemLibrary();
}

function givenLibrary(): FoundLibrary | undefined {
  const path = process.env.OPENSLIDE_LIB;
  if (!path) return undefined;
  if (existsSync(path)) return { path, from: 'OPENSLIDE_LIB' };
  throw new SamMilError('InvalidInput', 'OPENSLIDE_LIB names a file that is not there', {
    file: path,
    next: 'correct the variable, or unset it to have the library fetched',
  });
}

function cachedLibrary(): FoundLibrary | undefined {
  const member = MEMBERS[platformKey()];
  if (member === undefined) return undefined;
  const path = join(cacheFolder(), member);
  return existsSync(path) ? { path, from: 'cache' } : undefined;
}

/** Asks Python where its openslide_bin package lies, without importing it. */
function pythonLibrary(): FoundLibrary | undefined {
  const script =
    "import importlib.util as u; s = u.find_spec('openslide_bin'); print(s.submodule_search_locations[0] if s else '')";
  const result = spawnSync('python3', ['-c', script], { encoding: 'utf8', timeout: 20_000 });
  const folder = (result.stdout ?? '').trim();
  const path = join(folder, MEMBERS[platformKey()] ?? '');
  return result.status === 0 && folder !== '' && existsSync(path) ? { path, from: 'python' } : undefined;
}

function systemLibrary(): FoundLibrary | undefined {
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

function cacheFolder(): string {
  return join(nativeCacheFolder(), 'openslide', `${VERSION}-${platformKey()}`);
}

function request(log: SetUpLog): WheelRequest {
  const member = MEMBERS[platformKey()];
  return {
    package: 'openslide-bin',
    version: VERSION,
    files: {
      'linux-x64': {
        platform: 'manylinux_2_28_x86_64',
        sha256: '8ac4aa3a2277ed5e218ca0019db65bdd6e853f865eb4edd3da00e2f4acf0c923',
      },
      'linux-arm64': {
        platform: 'manylinux_2_28_aarch64',
        sha256: '0dff14807e1b7ccfd476ca5b6945edf46908b76ec61777d35acb2a514e205c30',
      },
      'darwin-x64': MACOS,
      'darwin-arm64': MACOS,
    },
    // The licence texts come along: the library is LGPL-2.1 and links others statically.
    select: (name) => (name === `openslide_bin/${member}` ? member : name.split('.dist-info/licenses/')[1]),
    into: cacheFolder(),
    log,
  };
}

function missing(cause?: unknown): SamMilError {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new SamMilError('Unavailable', `the OpenSlide library was not found${why}`, {
    next: 'run `npx sam-mil doctor`, or install it (Debian: apt install libopenslide0), or set OPENSLIDE_LIB to libopenslide.so.1',
    cause,
  });
}
