import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { SamMilError } from '../errors.js';
import { packageRoot } from '../package-root.js';
import { platformKey, type SetUpLog } from './cache-folder.js';
import { withFileLock } from './file-lock.js';
import { type CommandResult, runCommand } from './run-command.js';

/**
 * Packages that npm does not install together with this one, because their install scripts download from
 * additional hosts and fail where those cannot be reached. Each set is a folder `npm/<set>` with exact
 * versions and a lock file that holds the digest of every package.
 */
export type PackageSet = 'tensorflow' | 'onnxruntime';

/** A set to install. */
export interface PackagesRequest {
  set: PackageSet;
  /** The target folder, from {@link packagesFolder}. */
  into: string;
  log: SetUpLog;
  /** Completes the installation in a temporary folder, which is then renamed to `into`. */
  prepare?: (folder: string) => Promise<void>;
}

/**
 * The folder of a set below a folder of the cache. If it exists, it is complete. A different lock file gives
 * a different folder.
 */
export function packagesFolder(set: PackageSet, below: string): string {
  const lock = createHash('sha256').update(readFileSync(join(sourceFolder(set), 'package-lock.json')));
  return join(below, `npm-${lock.digest('hex').slice(0, 12)}`);
}

/** The version that a set pins a package to. */
export function pinnedVersion(set: PackageSet, name: string): string {
  const text = readFileSync(join(sourceFolder(set), 'package.json'), 'utf8');
  return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies[name];
}

/** `require` as seen by a module inside an installed set. */
export function requireFrom(folder: string): NodeJS.Require {
  return createRequire(join(folder, 'package.json'));
}

/**
 * Installs a set into the cache with npm, without install scripts. The folder appears complete or not at all,
 * also when several processes install it at once. Source maps and libraries for other platforms, which make
 * up most of its size, are removed.
 *
 * @throws SamMilError `Unavailable` where npm is missing or fails
 */
export async function installPackages({ set, into, log, prepare }: PackagesRequest): Promise<void> {
  if (existsSync(into)) return;
  const install = async () => {
    if (existsSync(into)) return;
    const partial = `${into}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    try {
      await cp(sourceFolder(set), partial, { recursive: true });
      await runNpm(set, partial);
      await prune(partial);
      await prepare?.(partial);
      await rename(partial, into);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  };
  await withFileLock(`${into}.lock`, install, () => log(`${set}: another process is installing it, waiting`));
}

function sourceFolder(set: PackageSet): string {
  return join(packageRoot(), 'npm', set);
}

const NPM_ARGUMENTS = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

async function runNpm(set: PackageSet, folder: string): Promise<void> {
  const result = await runCommand('npm', NPM_ARGUMENTS, { cwd: folder });
  if (result.code === 0) return;
  const missing = result.code === null;
  throw new SamMilError('Unavailable', `the npm packages of ${set} could not be installed`, {
    found: missing ? 'npm is not installed' : npmErrors(result),
    next: missing
      ? 'install npm (it comes with Node), or copy the cache folder from a machine that has it'
      : 'check that npm can reach its registry (`npm ping`), or copy the cache folder from a machine where it can',
  });
}

function npmErrors({ stderr, code }: CommandResult): string {
  const lines = stderr
    .split('\n')
    .flatMap((line) => /^npm error (?!code|A complete log)(.*\S)/.exec(line)?.[1] ?? []);
  return lines.slice(0, 3).join(' | ') || `exit code ${code}`;
}

const BINARIES = /\/bin\/napi-v\d+\/([^/]+)\/([^/]+)\//;

async function prune(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true });
  const superfluous = names.filter((name) => {
    const path = name.replaceAll(sep, '/');
    const [, system, processor] = BINARIES.exec(path) ?? [];
    return path.endsWith('.map') || (system !== undefined && `${system}-${processor}` !== platformKey());
  });
  for (const name of superfluous) await rm(join(folder, name), { force: true });
}
