import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { nativeCacheFolder, silent, type SetUpLog } from '../../domain/machine/cache-folder.js';
import { withFileLock } from '../../domain/machine/file-lock.js';
import { lastLine, runCommand } from '../../domain/machine/run-command.js';
import { buildTemporalServer, TEMPORAL_CLI_VERSION } from './temporal-build.js';

/** A Temporal command line that can run the development server. */
export interface TemporalServer {
  /** Program to start with `server start-dev`. */
  path: string;
  from: 'path' | 'cache' | 'built';
  /** Version of the server inside: `1.29.1`. A version cannot open the files of another. */
  server: string;
}

/** The oldest server that the project's tests have run with. */
const OLDEST_SERVER = [1, 29, 1];

/**
 * The Temporal development server: `temporal` on PATH if it is recent enough, else the cached build, else a
 * build from source with the Go on PATH or, if there is none, with a Go toolchain downloaded for this build.
 * Throws `Unavailable`, naming each way that failed.
 */
export async function ensureTemporalServer(
  log: SetUpLog = silent,
  signal?: AbortSignal,
): Promise<TemporalServer> {
  const found = await locateTemporalServer();
  if (found.server !== undefined) return found.server;
  const folder = cacheFolder();
  return withFileLock(
    join(folder, '..', '.build.lock'),
    async () => {
      const cached = await inspect(cachedPath(), 'cache');
      if (typeof cached !== 'string') return cached;
      found.refused.forEach((reason) => log(`Temporal server: ${reason}`));
      await buildTemporalServer(folder, log, signal);
      const built = await inspect(cachedPath(), 'built');
      if (typeof built !== 'string') return built;
      throw new SamMilError('Unavailable', `the Temporal server was built but does not run: ${built}`, {
        file: cachedPath(),
      });
    },
    () => log('Temporal server: another process is building it, waiting'),
  );
}

/** Finds an installed server without building one; `refused` says why alternatives were not used. */
export async function locateTemporalServer(): Promise<{ server?: TemporalServer; refused: string[] }> {
  const refused: string[] = [];
  for (const [program, from] of [
    ['temporal', 'path'],
    [cachedPath(), 'cache'],
  ] as const) {
    const result = await inspect(program, from);
    if (typeof result !== 'string') return { server: result, refused };
    refused.push(result);
  }
  return { refused };
}

/** Asks a `temporal` program for its version. Returns its facts, or why it cannot be used. */
async function inspect(program: string, from: TemporalServer['from']): Promise<TemporalServer | string> {
  if (from !== 'path' && !existsSync(program)) return `no build in the cache (${program})`;
  const result = await runCommand(program, ['--version'], { timeout: 30_000 });
  if (result.code !== 0) {
    const missing = from === 'path' && result.code === null;
    return missing ? 'no `temporal` on PATH' : `${program} --version: ${lastLine(result)}`;
  }
  const server = /Server (\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
  if (server === undefined) return `${program} does not report its server version: ${lastLine(result)}`;
  if (isOlder(server)) return `${program} contains server ${server}, older than ${OLDEST_SERVER.join('.')}`;
  return { path: program, from, server };
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  const place = parts.findIndex((part, index) => part !== OLDEST_SERVER[index]);
  return place >= 0 && parts[place] < OLDEST_SERVER[place];
}

function cacheFolder(): string {
  return join(nativeCacheFolder(), 'temporal', `cli-${TEMPORAL_CLI_VERSION}`);
}

function cachedPath(): string {
  return join(cacheFolder(), 'temporal');
}
