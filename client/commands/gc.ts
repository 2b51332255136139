import { existsSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { requireInsideSync } from '../../domain/engine/store/inside.js';
import {
  describeHolder,
  leftoverAttempts,
  holderFault,
  readHolder,
} from '../../domain/engine/store/lease.js';
import { runFolder } from '../../domain/engine/store/paths.js';
import { invalid } from '../command-line/errors.js';
import { serverIsGone } from '../run/holder.js';
import { RunServers } from '../run/run-state.js';
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
  if (options.force !== true) await requireIdle(work, runs);
  const garbage: Garbage[] = [];
  for (const path of await leftoverAttempts(work)) await add(garbage, path, 'leftover attempt');
  if (options.checkpoints) await add(garbage, join(work, '.checkpoints'), 'checkpoints');
  for (const { run } of runs.slice(options.keep)) await add(garbage, runFolder(work, run), 'old run record');
  for (const { path, what, bytes } of garbage) {
    if (bytes > 0) console.log(`${formatBytes(bytes).padStart(9)}  ${what}  ${shortPath(path)}`);
    if (!options.dryRun) await rm(path, { recursive: true, force: true });
  }
  if (!options.dryRun) runs.slice(options.keep).forEach(({ run }) => forgetRun(run));
  const total = formatBytes(garbage.reduce((sum, { bytes }) => sum + bytes, 0));
  console.log(options.dryRun ? `${total} would be freed` : `${total} freed`);
}

/**
 * Seemingly leftover files may belong to a running attempt. Only the run that holds the folder can have one:
 * it must be closed according to its record or its server. The embedded server is started if necessary.
 */
async function requireIdle(work: string, runs: readonly RunEntry[]): Promise<void> {
  const fault = await holderFault(work);
  if (fault !== undefined) {
    const what = `the record of the run that holds the work folder is damaged: ${fault}`;
    throw invalid(what, 'use --force if you know that no worker is using this folder');
  }
  const holder = await readHolder(work);
  if (holder === undefined || hasRunRecord({ work, run: holder.run })) return;
  const known = runs.find(({ run }) => run === holder.run);
  const foreign = known === undefined || known.server === '';
  // The embedded server of another account cannot be asked; one of this account may continue its runs.
  if (foreign && serverIsGone(holder)) return;
  const server = foreign ? (holder.server === 'embedded' ? '' : holder.server) : known.server;
  const entry = { ...(known ?? emptyEntry(work, holder.run)), server, namespace: holder.namespace };
  const servers = new RunServers(true, (line) => console.error(`  ${line}`));
  try {
    const state = await servers.ask(entry);
    if (state === 'open') {
      const next = `wait for it, or end it with \`npx sam-mil cancel ${holder.run}\``;
      throw invalid(`run ${holder.run} of this work folder is open`, next);
    }
    if (state !== undefined) return;
  } finally {
    await servers.close();
  }
  throw invalid(
    `run ${holder.run} of this work folder has not ended, and its server does not answer: ${describeHolder(holder)}`,
    'start that server and try again, or use --force if you know that no worker is using this folder',
  );
}

function emptyEntry(work: string, run: string): RunEntry {
  return { run, pipeline: '', work, source: '', started: '', server: '', namespace: '' };
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
