import { join } from 'node:path';
import { readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { SamMilError } from '../../domain/errors.js';
import { itemLogPath, runFolder } from '../../domain/engine/store/paths.js';
import { EXIT, Exit, invalid } from '../command-line/errors.js';
import { Interrupt } from '../command-line/interrupt.js';
import { oneLine } from '../display/render-text.js';
import { followLogs, itemLogs, type FollowedLog } from '../run/follow-logs.js';
import { readFailed } from '../run/left-out.js';
import { findRun, readRunPlan, type RunEntry } from '../run/run-index.js';
import { RunServers, stateOf } from '../run/run-state.js';
import { noStage, splitTarget, stagesOf } from '../run/run-target.js';

interface LogsOptions {
  follow?: boolean;
  failed?: boolean;
  work?: string;
  worker?: boolean;
}

export function createCommand(): Command {
  return new Command('logs')
    .description('Print the logs of an item or a stage; without a target, list the items that have logs')
    .argument('<run>', 'run name, the start of one, or latest')
    .argument('[target]', 'STAGE or STAGE@ITEM')
    .option('-f, --follow', 'print what is added, of all items without a target, until the run ends or stops')
    .option('--failed', 'print the logs of the failed items, with the reason of each')
    .option('--worker', "print the log of the run's local worker")
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .action(logs);
}

async function logs(name: string, target: string | undefined, options: LogsOptions): Promise<void> {
  const entry = findRun(name, options.work);
  const { follow: following, failed, worker } = options;
  if (failed && (following || worker)) throw invalid('--failed excludes --follow and --worker');
  if (worker && target !== undefined) throw invalid('--worker excludes a target: the worker has one log');
  if (following) return follow(entry, target, worker);
  if (worker) return print(workerLog(entry), `run ${entry.run}`);
  if (failed) return printFailed(entry, target);
  if (target === undefined) return list(entry);
  const { stage, item } = splitTarget(target);
  const logs = targetLogs(entry, target);
  if (item !== undefined && logs.length === 1) return print(logs[0].path, target);
  const found = logs.filter(({ path }) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  if (found.length === 0) throw item === undefined ? noLogs(entry, stage) : noLog(target);
  for (const log of found) {
    console.log(`== ${log.name}`);
    print(log.path, log.name);
  }
}

/** The logs of a stage or an item; of all its cells, if the stage of the file has several. */
function targetLogs(entry: RunEntry, target: string): FollowedLog[] {
  const { stage, item } = splitTarget(target);
  const stages = stagesNamed(entry, stage);
  if (item === undefined) return stages.flatMap((name) => itemLogs(entry, name));
  return stages.map((name) => ({
    name: `${name}@${item}`,
    path: itemLogPath(entry.work, entry.run, name, item),
  }));
}

/** The stage itself, or the cells of a stage of the file. A stage with logs needs no plan to be found. */
function stagesNamed(entry: RunEntry, name: string): string[] {
  if (itemLogs(entry, name).length > 0) return [name];
  const cells = readRunPlan(entry).stages.filter(({ of }) => of === name);
  return cells.length > 0 ? cells.map((cell) => cell.name) : [name];
}

function list(entry: RunEntry): void {
  const found = itemLogs(entry);
  if (found.length === 0) throw invalid(`no step of run ${entry.run} has written a log`, 'try --worker');
  for (const { name } of found) console.log(name);
}

function noLogs(entry: RunEntry, stage: string): SamMilError {
  if (!stagesOf(entry).includes(stage)) return noStage(entry, stage);
  return invalid(
    `stage ${stage} has no logs in run ${entry.run}`,
    `list the available logs with \`npx sam-mil logs ${entry.run}\``,
  );
}

function noLog(what: string): SamMilError {
  return invalid(`${what} has no log`, 'list the available logs with `npx sam-mil logs RUN`');
}

/** Prints each failed item with its reason and its log. */
async function printFailed(entry: RunEntry, target: string | undefined): Promise<void> {
  const { stage, item } = target === undefined ? {} : splitTarget(target);
  const stages = stagesOf(entry);
  const named = stage === undefined ? stages : stagesNamed(entry, stage);
  if (stage !== undefined && !named.some((name) => stages.includes(name))) throw noStage(entry, stage);
  const all = await readFailed(entry, named);
  const failed = all.filter(({ key }) => item === undefined || key === item);
  if (failed.length === 0) {
    console.error(`nothing has failed${target === undefined ? '' : ` in ${target}`} in run ${entry.run}`);
    return;
  }
  for (const { stage: where, key, reason } of failed) {
    console.log(`== ${where}@${key}  ${oneLine(reason)}`);
    const path = itemLogPath(entry.work, entry.run, where, key);
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) print(path, `${where}@${key}`);
  }
}

async function follow(entry: RunEntry, target: string | undefined, worker = false): Promise<void> {
  const servers = new RunServers();
  const interrupt = new Interrupt();
  const { signal } = interrupt;
  try {
    const found = () => followed(entry, target, worker);
    const isOpen = async () => OPEN.has((await stateOf(entry, (one) => servers.ask(one))).state);
    await followLogs(found, isOpen, headed(!worker && !target?.includes('@')), signal);
    if (signal.aborted) throw new Exit(EXIT.interrupted);
    const { state } = await stateOf(entry, (one) => servers.ask(one));
    console.error(`run ${entry.run}: ${state}`);
  } finally {
    interrupt.dispose();
    await servers.close();
  }
}

/** States in which a run may still write logs. A server that does not answer may be back soon. */
const OPEN: ReadonlySet<string> = new Set(['open', 'running', 'paused', 'held', 'unknown']);

function followed(entry: RunEntry, target: string | undefined, worker: boolean): FollowedLog[] {
  if (worker) return [{ name: 'worker', path: workerLog(entry) }];
  if (target === undefined) return itemLogs(entry);
  return targetLogs(entry, target);
}

/** Prints lines; with `several` logs, a heading whenever the lines are of another one than before. */
function headed(several: boolean): (log: FollowedLog, lines: string) => void {
  let last = '';
  return ({ name }, lines) => {
    process.stdout.write(several && name !== last ? `== ${name}\n${lines}` : lines);
    last = name;
  };
}

function workerLog({ work, run }: RunEntry): string {
  return join(runFolder(work, run), 'worker.log');
}

function print(path: string, what: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw noLog(what);
  if (!found.isFile()) {
    const next = 'remove it; the next run of the step writes a log';
    throw new SamMilError('InvalidInput', 'the log is not a file', { file: path, next });
  }
  process.stdout.write(readFileSync(path));
}
