import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { SamMilError } from '../../domain/errors.js';
import { itemLogPath, runFolder } from '../../domain/engine/store/paths.js';
import { invalid } from '../command-line/errors.js';
import { findRun, type RunEntry } from '../run/run-index.js';

interface LogsOptions {
  work?: string;
  worker?: boolean;
}

export function createCommand(): Command {
  return new Command('logs')
    .description('Print the logs of an item or a stage; without a target, list the items that have logs')
    .argument('<run>', 'run name, the start of one, or latest')
    .argument('[target]', 'STAGE or STAGE@ITEM')
    .option('--worker', "print the log of the run's local worker")
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .action(logs);
}

function logs(name: string, target: string | undefined, options: LogsOptions): void {
  const entry = findRun(name, options.work);
  if (options.worker) return print(join(runFolder(entry.work, entry.run), 'worker.log'), `run ${entry.run}`);
  if (target === undefined) return list(entry);
  const [stage, item] = target.includes('@') ? splitOnce(target) : [target, undefined];
  if (item !== undefined) return print(itemLogPath(entry.work, entry.run, stage, item), target);
  const items = itemsWithLog(entry, stage);
  if (items.length === 0)
    throw invalid(
      `stage ${stage} has no logs in run ${entry.run}`,
      'list the available logs with `npx sam-mil logs RUN`',
    );
  for (const key of items) {
    console.log(`== ${stage}@${key}`);
    print(itemLogPath(entry.work, entry.run, stage, key), key);
  }
}

function list(entry: RunEntry): void {
  const stages = listEntries(join(runFolder(entry.work, entry.run), 'logs'));
  if (stages.length === 0) throw invalid(`no step of run ${entry.run} has written a log`, 'try --worker');
  for (const stage of stages) {
    for (const item of itemsWithLog(entry, stage)) console.log(`${stage}@${item}`);
  }
}

function itemsWithLog(entry: RunEntry, stage: string): string[] {
  return listEntries(join(runFolder(entry.work, entry.run), 'logs', stage)).map((name) =>
    name.replace(/\.log$/, ''),
  );
}

function listEntries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function print(path: string, what: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw invalid(`${what} has no log`, 'list the available logs with `npx sam-mil logs RUN`');
  if (!found.isFile()) {
    const next = 'remove it; the next run of the step writes a log';
    throw new SamMilError('InvalidInput', 'the log is not a file', { file: path, next });
  }
  process.stdout.write(readFileSync(path));
}

function splitOnce(target: string): [string, string] {
  const at = target.indexOf('@');
  return [target.slice(0, at), target.slice(at + 1)];
}
