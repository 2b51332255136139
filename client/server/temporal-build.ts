import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfFile } from '../../domain/digest.js';
import { SamMilError } from '../../domain/errors.js';
import type { SetUpLog } from '../../domain/machine/cache-folder.js';
import { lastLine, runCommand, type CommandResult } from '../../domain/machine/run-command.js';
import { fetchGo, goEnvironment, goProgram } from './go-toolchain.js';
import { BUILD_ARGUMENTS, type TemporalSources } from './temporal-sources.js';

export const PROGRAM_NAME = 'sam-mil-temporal';

/** Peak disk use in bytes of modules, build cache and toolchain. */
const DISK_BYTES = 6e9;

/** Number of packages that the compiler reports with -v; used only for progress. */
const PACKAGES = 1460;

export interface BuildOptions {
  log: SetUpLog;
  /** Default: this machine's. */
  platform?: string;
  /** Folder of a Go toolchain. Default: the pinned one is downloaded. */
  toolchain?: string;
}

/**
 * Builds the server into `folder`, which then contains the program (118 MB) and a file with its digest.
 * Modules, build cache and the toolchain are in a scratch folder next to it and are deleted afterwards.
 * @throws SamMilError Unavailable if a download fails or the compiler does, InvalidInput if a module is not
 * the one that go.sum names, DiskFull
 */
export async function buildTemporalServer(
  sources: TemporalSources,
  folder: string,
  options: BuildOptions,
): Promise<void> {
  const parent = dirname(folder);
  const { log } = options;
  await mkdir(parent, { recursive: true });
  await removeLeftOvers(parent);
  await checkDisk(parent);
  log('Temporal server: one-time build, 3-7 minutes, needs about 2 GB RAM and 6 GB disk');
  const scratch = join(parent, `.build-${process.pid}`);
  const made = join(scratch, 'bin');
  try {
    await mkdir(made, { recursive: true, mode: 0o700 });
    await compile(sources, scratch, options);
    await writeFile(digestPath(made), `${await digestOfFile(programPath(made))}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } finally {
    await removeBuild(scratch);
  }
}

export function programPath(folder: string): string {
  return join(folder, PROGRAM_NAME);
}

/** Digest of the program as it was when its build ended. */
export function digestPath(folder: string): string {
  return join(folder, `${PROGRAM_NAME}.sha256`);
}

async function compile(sources: TemporalSources, scratch: string, options: BuildOptions): Promise<void> {
  const { log, platform } = options;
  const root = options.toolchain ?? (await downloadGo(join(scratch, 'toolchain'), log));
  // A copy, so that what is compiled is what the digest was taken of, whatever happens to the files.
  const folder = join(scratch, 'source');
  await mkdir(folder);
  for (const [name, text] of sources.files) await writeFile(join(folder, name), text);
  const result = await runCommand(
    goProgram(root),
    [...BUILD_ARGUMENTS, '-o', programPath(join(scratch, 'bin')), '.'],
    {
      cwd: folder,
      env: await goEnvironment(root, scratch, platform),
      onLine: progressReport(log),
    },
  );
  if (result.code === 0) return;
  throw failureOf(result);
}

async function downloadGo(folder: string, log: SetUpLog): Promise<string> {
  log('Temporal server: downloading a Go toolchain for this build, 75 MB');
  return fetchGo(folder);
}

/** Go reports a wrong module in several lines, of which the last names no module. */
function failureOf(result: CommandResult): SamMilError {
  const wrong = result.stderr
    .split('\n')
    .find((line) => /checksum mismatch|missing go\.sum entry|SECURITY ERROR/.test(line));
  if (wrong !== undefined) {
    return new SamMilError('InvalidInput', 'a Go module of the Temporal server is not the expected one', {
      file: 'client/server/temporal/go.sum',
      found: wrong.trim(),
      next: 'check the module proxy (`go env GOPROXY`): it may have replaced the module; if sam-mil itself was edited, install it again',
    });
  }
  return new SamMilError('Unavailable', 'the Temporal server could not be built', {
    found: lastLine({ ...result, stdout: '' }),
    next: 'make the module proxy reachable (GOPROXY, HTTPS_PROXY), or set TEMPORAL_ADDRESS to a running server',
  });
}

/** Reports progress in steps of 10 %: first modules, then packages in compiler order. */
function progressReport(log: SetUpLog): (line: string) => void {
  let packages = 0;
  let shown = -1;
  return (line) => {
    if (line.startsWith('go: ')) {
      if (shown < 0) log('Temporal server: downloading Go modules');
      shown = Math.max(shown, 0);
      return;
    }
    packages++;
    const percent = Math.min(95, Math.floor((packages / PACKAGES) * 10) * 10);
    if (percent <= shown) return;
    shown = percent;
    log(`Temporal server: compiling, about ${percent} %`);
  };
}

async function checkDisk(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= DISK_BYTES) return;
  throw new SamMilError('DiskFull', 'not enough disk space to build the Temporal server', {
    file: folder,
    expected: `${DISK_BYTES / 1e9} GB free`,
    found: `${((bavail * bsize) / 1e9).toFixed(1)} GB`,
    next: 'free some space, or set SAM_MIL_CACHE to a folder on a larger disk, or TEMPORAL_ADDRESS to a running server',
  });
}

/** Killed builds leave gigabytes behind. Called under the build's lock, so none of them is running. */
async function removeLeftOvers(parent: string): Promise<void> {
  const names = await readdir(parent);
  for (const name of names.filter((entry) => entry.startsWith('.build-')))
    await removeBuild(join(parent, name));
}

async function removeBuild(scratch: string): Promise<void> {
  if (existsSync(scratch)) await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
}
