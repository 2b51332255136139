import { existsSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { requireInsideSync } from '../../domain/engine/store/inside.js';
import { leftoverAttempts } from '../../domain/engine/store/lease.js';
import { runFolder } from '../../domain/engine/store/paths.js';
import { openSession } from '../server/connect.js';
import { invalid } from '../command-line/errors.js';
import { RemoteRun, type ServerState } from '../run/remote-run.js';
import { parseCount } from '../command-line/options.js';
import { formatBytes, shortPath } from '../display/render-text.js';
import { forgetRun, hasRunRecord, runsIn, type RunEntry } from '../run/run-index.js';

interface GcOptions {
  keep: number;
  checkpoints?: boolean;
  dryRun?: boolean;
  force?: boolean;
}

interface Garbage {
  path: string;
  what: string;
  bytes: number;
}

export function createCommand(): Command {
  return new Command('gc')
    .description(
      'Free disk space in a work folder: remove leftover attempts and old run records; keep outputs and receipts',
    )
    .argument('<work>', 'work folder')
    .option('--keep <n>', 'number of newest run records to keep', parseCount, 10)
    .option('--checkpoints', 'also remove checkpoints; unfinished steps then start over')
    .option('--force', 'proceed even if a run has not ended and its server does not answer')
    .option('--dry-run', 'only show what would be removed')
    .action(collectGarbage);
}

async function collectGarbage(folder: string, options: GcOptions): Promise<void> {
  const work = resolve(folder);
  if (!existsSync(join(work, '.runs')))
    throw invalid(`${folder} is not a work folder`, 'specify the folder that contains .runs');
  for (const name of ['.runs', '.scratch', '.checkpoints']) requireInsideSync(work, join(work, name));
  const runs = runsIn(work);
  await requireIdle(runs, options.force === true);
  const garbage: Garbage[] = [];
  for (const path of await leftoverAttempts(work)) await add(garbage, path, 'leftover attempt');
  if (options.checkpoints) await add(garbage, join(work, '.checkpoints'), 'checkpoints');
  for (const { run } of runs.slice(options.keep)) await add(garbage, runFolder(work, run), 'old run record');
  for (const { path, what, bytes } of garbage) {
    console.log(`${formatBytes(bytes).padStart(9)}  ${what}  ${shortPath(path)}`);
    if (!options.dryRun) await rm(path, { recursive: true, force: true });
  }
  if (!options.dryRun) runs.slice(options.keep).forEach(({ run }) => forgetRun(run));
  const total = formatBytes(garbage.reduce((sum, { bytes }) => sum + bytes, 0));
  console.log(options.dryRun ? `${total} would be freed` : `${total} freed`);
}

/**
 * Seemingly leftover files may belong to a running attempt: each run must be closed according to its own
 * server, or according to its record if the server does not answer.
 */
async function requireIdle(runs: readonly RunEntry[], force: boolean): Promise<void> {
  for (const entry of force ? [] : runs) {
    const state = await askServer(entry);
    if (state === 'open') {
      throw invalid(`run ${entry.run} of this work folder is open`, 'wait for it, or cancel it');
    }
    if (state === undefined && !hasRunRecord(entry)) {
      throw invalid(
        `run ${entry.run} of this work folder has not ended, and its server (${entry.server}) does not answer`,
        `${entry.server === 'embedded' ? 'start it with `npx sam-mil server` in another terminal' : 'start that server'} and try again, or use --force if you know that no worker is using this folder`,
      );
    }
  }
}

/** Returns undefined if the server does not answer. */
async function askServer({ run, server, namespace }: RunEntry): Promise<ServerState | undefined> {
  const choice = server === 'embedded' ? {} : { address: server, namespace };
  const session = await openSession(choice, { start: false, log: () => undefined }).catch(() => undefined);
  try {
    return session && (await new RemoteRun(session.client, run).state());
  } finally {
    await session?.close();
  }
}

async function add(garbage: Garbage[], path: string, what: string): Promise<void> {
  if (existsSync(path)) garbage.push({ path, what, bytes: await measureSize(path) });
}

async function measureSize(path: string): Promise<number> {
  const facts = await lstat(path);
  if (!facts.isDirectory()) return facts.size;
  let sum = 0;
  for (const name of await readdir(path)) sum += await measureSize(join(path, name));
  return sum;
}
