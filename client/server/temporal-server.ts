import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile } from '../../domain/digest.js';
import { SamMilError } from '../../domain/errors.js';
import { nativeCacheFolder, platformKey, silent, type SetUpLog } from '../../domain/machine/cache-folder.js';
import { withFileLock } from '../../domain/machine/file-lock.js';
import { lastLine, runCommand } from '../../domain/machine/run-command.js';
import { buildTemporalServer, digestPath, programPath } from './temporal-build.js';
import { readTemporalSources, type TemporalSources } from './temporal-sources.js';

/** The embedded server's program. */
export interface TemporalServer {
  path: string;
  /** Version of the server inside: `1.32.2`. */
  server: string;
}

/**
 * The program of the embedded server: the cached build, else a build from the sources in this package.
 * @throws SamMilError as {@link buildTemporalServer}; InvalidInput if the binary is not the pinned one
 */
export async function ensureTemporalServer(log: SetUpLog = silent): Promise<TemporalServer> {
  const sources = await readTemporalSources();
  const folder = cacheFolder(sources);
  const found = await inspect(sources, folder);
  if (typeof found !== 'string') return found;
  return withFileLock(
    join(folder, '..', '.build.lock'),
    async () => {
      const cached = await inspect(sources, folder);
      if (typeof cached !== 'string') return cached;
      if (existsSync(programPath(folder))) log(`Temporal server: building it again: ${cached}`);
      await buildTemporalServer(sources, folder, { log });
      const built = await inspect(sources, folder);
      if (typeof built !== 'string') return built;
      throw new SamMilError('InvalidInput', `the Temporal server was built but is not used: ${built}`, {
        file: programPath(folder),
        next: 'report this as a bug, with the output of `npx sam-mil doctor`',
      });
    },
    () => log('Temporal server: another process is building it, waiting'),
  );
}

/** Finds a built server without building one, or says why there is none. */
export async function locateTemporalServer(): Promise<TemporalServer | string> {
  const sources = await readTemporalSources();
  return inspect(sources, cacheFolder(sources));
}

/** Returns the facts of a build, or why it cannot be used. */
async function inspect(sources: TemporalSources, folder: string): Promise<TemporalServer | string> {
  const path = programPath(folder);
  if (!existsSync(path)) return `no build in the cache (${folder})`;
  const { uid, mode } = await stat(folder);
  const user = process.getuid?.();
  if (user !== undefined && uid !== user && uid !== 0) return `${folder} belongs to user id ${uid}`;
  if ((mode & 0o022) !== 0) return `${folder} can be written by other accounts`;
  const found = await digestOfFile(path);
  const expected =
    sources.pins[platformKey()] ?? (await readFile(digestPath(folder), 'utf8').catch(() => ''));
  if (found !== expected.trim())
    return `${path} has ${found}, expected ${expected.trim() || 'a recorded digest'}`;
  const result = await runCommand(path, ['-version'], { timeout: 30_000 });
  const server = result.stdout.trim();
  if (result.code !== 0 || server === '') return `${path} does not run: ${lastLine(result)}`;
  return { path, server };
}

/** Contains the digest of the sources, so that an edited program is built again. */
function cacheFolder({ key }: TemporalSources): string {
  return join(nativeCacheFolder(), 'temporal', `server-${key.slice('sha256:'.length, 19)}`);
}
