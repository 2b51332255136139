import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  defineActivity,
  fileInput,
  fileOutput,
  itemsInput,
  type ActivityPlugin,
} from '../../activities/define/define-activity.js';
import { SamMilError, type ErrorCode } from '../../domain/errors.js';
import type { FileRef, InputFile, Job, JobResult } from '../../domain/job.js';

/**
 * Real activities that write small files and fail on demand. They read what to do wrong from
 * `<work>/.control/<item>.json`, not from their parameters, so that a failure can be fixed without changing a
 * cache key. Each execution appends a line to `<work>/.executions`.
 */
export interface Misbehavior {
  /** This many first executions fail with `code` (default: Internal, retryable). */
  failTimes?: number;
  code?: ErrorCode;
  /** This many first executions kill their process after a line on stderr. */
  crashTimes?: number;
  /** Runs until stopped. */
  hang?: boolean;
  /** Stops its own process with SIGSTOP, in this many first executions. */
  freezeTimes?: number;
  /** Starts a program that never ends, and writes its process id to `<work>/.program`. */
  program?: boolean;
  sleepMs?: number;
  /** Waits until this is set to false. */
  gate?: boolean;
  /** Ends the item on purpose with this reason. */
  skip?: string;
  /** Logs this warning. */
  warn?: string;
  /** Allocates, fills and releases this many bytes. */
  allocate?: number;
  /** Appends its name, its process id and the GPU that it sees to `<work>/.gpus`. */
  tellGpu?: boolean;
  /** Returns this many bytes as a value. */
  bytes?: number;
}

/** The collector would otherwise release the memory at a time of its own choice. */
function allocate(bytes: number): void {
  Buffer.alloc(bytes, 1);
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

interface WriteWith {
  text: string;
  from?: InputFile;
  to?: string;
}

async function write(job: Job<WriteWith>): Promise<JobResult> {
  await misbehave(job, 'write');
  const before = job.with.from ? readFileSync(job.with.from.path, 'utf8') : '';
  const path = join(job.scratch, 'out.txt');
  writeFileSync(path, `${before}${job.with.text}\n`);
  const { skip, bytes } = readControl(job);
  const values = {
    length: before.length + job.with.text.length,
    ...(bytes ? { note: 'x'.repeat(bytes) } : {}),
  };
  return { files: { file: { from: path, to: join(job.with.to ?? '', `${job.name}.txt`) } }, values, skip };
}

async function join_(job: Job<{ items: InputFile }>): Promise<JobResult> {
  await misbehave(job, 'join');
  const path = join(job.scratch, 'joined.txt');
  const lines = readFileSync(job.with.items.path, 'utf8').trim().split('\n');
  const keys = lines.map((line) => JSON.parse(line) as { key: string; status: string });
  writeFileSync(path, keys.map(({ key, status }) => `${key} ${status}\n`).join(''));
  return { files: { file: { from: path, to: 'joined.txt' } }, values: { count: lines.length } };
}

/** Joins the files of the items, as a training reads its bags. */
async function gather(job: Job<{ items: InputFile }>): Promise<JobResult> {
  await misbehave(job, 'gather');
  const lines = readFileSync(job.with.items.path, 'utf8').trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as { outputs: { file: FileRef } });
  const texts = records.map(({ outputs }) => readFileSync(join(job.work, outputs.file.path), 'utf8'));
  if (texts.some((text) => text.includes('damage'))) throw new Error('cannot parse an item');
  const path = join(job.scratch, 'gathered.txt');
  writeFileSync(path, texts.join(''));
  return { files: { file: { from: path, to: 'gathered.txt' } } };
}

/**
 * Counts to `to`, a number every `eachMs`, keeping its place in the checkpoint; the output holds every number
 * once, whatever happens in between.
 */
async function count(job: Job<{ to: number; eachMs: number }>): Promise<JobResult> {
  await misbehave(job, 'count');
  const place = join(job.checkpoint, 'numbers.txt');
  let numbers = existsSync(place) ? readFileSync(place, 'utf8') : '';
  let done = numbers.split('\n').length - 1;
  if (done > 0) job.log('info', `resumes from ${done}`);
  while (done < job.with.to) {
    job.signal.throwIfAborted();
    await sleep(job.with.eachMs);
    done += 1;
    numbers += `${done}\n`;
    writeFileSync(`${place}.new`, numbers);
    renameSync(`${place}.new`, place);
    job.progress({ unit: 'numbers', done, total: job.with.to });
  }
  const path = join(job.scratch, 'numbers.txt');
  writeFileSync(path, numbers);
  return { files: { file: { from: path, to: `${job.name}.txt` } } };
}

async function misbehave(job: Job<unknown>, activity: string): Promise<void> {
  const control = readControl(job);
  appendFileSync(join(job.work, '.executions'), `${activity} ${job.name} ${process.pid}\n`);
  const own = (line: string) => line.startsWith(`${activity} ${job.name} `);
  const { crashTimes, failTimes, freezeTimes } = control;
  const limited = [crashTimes, failTimes, freezeTimes].some((limit) => limit !== undefined);
  const times = limited ? readExecutions(job.work).filter(own).length : 0;
  if (control.tellGpu) {
    const { CUDA_VISIBLE_DEVICES = 'all', CUDA_DEVICE_ORDER = '' } = process.env;
    appendFileSync(
      join(job.work, '.gpus'),
      `${job.name} ${process.pid} ${CUDA_VISIBLE_DEVICES} ${CUDA_DEVICE_ORDER}\n`,
    );
  }
  if (control.program) {
    const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], {
      stdio: 'ignore',
    });
    writeFileSync(join(job.work, '.program'), `${pid}`);
  }
  if (control.warn) job.log('warn', control.warn, { names: ['a', 'b'] });
  if (control.allocate) allocate(control.allocate);
  if (control.sleepMs) await sleep(control.sleepMs);
  while (readControl(job).gate) {
    await sleep(20);
    job.signal.throwIfAborted();
  }
  if (control.crashTimes && times <= control.crashTimes) {
    console.error('last words of the child');
    await sleep(50);
    process.kill(process.pid, 'SIGSEGV');
    await sleep(10_000);
  }
  if (control.freezeTimes && times <= control.freezeTimes) process.kill(process.pid, 'SIGSTOP');
  if (control.failTimes && times <= control.failTimes) {
    throw new SamMilError(control.code ?? 'Internal', `told to fail ${control.failTimes} times`, {
      file: job.name,
    });
  }
  while (control.hang) {
    await sleep(20);
    job.signal.throwIfAborted();
  }
}

function readControl(job: Job<unknown>): Misbehavior {
  const path = join(job.work, '.control', `${job.name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Misbehavior) : {};
}

/** Sets what the activities do wrong for an item. */
export function control(work: string, item: string, misbehavior: Misbehavior): void {
  mkdirSync(join(work, '.control'), { recursive: true });
  const path = join(work, '.control', `${item}.json`);
  writeFileSync(`${path}.new`, JSON.stringify(misbehavior));
  renameSync(`${path}.new`, path);
}

/** `<activity> <item> <pid>` of every execution so far. */
export function readExecutions(work: string): string[] {
  const path = join(work, '.executions');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

const common = {
  version: 1,
  queue: 'cpu',
  timeout: '1m',
  heartbeat: '20s',
  resumesFrom: 'the start',
} as const;

const writeParts = {
  ...common,
  with: {
    text: { type: 'string', default: 'hello' },
    from: fileInput('text', 'A file to continue from.'),
    to: { type: 'string' },
  },
  required: [],
  outputs: { file: fileOutput('text', 'The text.'), length: { type: 'integer' }, note: { type: 'string' } },
  load: async () => ({ run: write }),
} as const;

export const plugin: ActivityPlugin = {
  name: 'stub',
  activities: [
    defineActivity({
      ...writeParts,
      name: 'stub.write',
      summary: 'Writes a text in a child process',
      isolation: 'child',
      usesGpu: ({ text }) => Promise.resolve(text === 'computes on a GPU'),
      finishStage: async ({ folder, items }) => {
        let list = '';
        for await (const { key, status, step } of items)
          list += `${key},${status},${JSON.stringify(step.with)}\n`;
        writeFileSync(join(folder, 'list.csv'), list);
      },
    }),
    defineActivity({
      ...writeParts,
      name: 'stub.light',
      summary: 'Writes a text inline',
      isolation: 'inline',
    }),
    defineActivity({
      ...common,
      name: 'stub.join',
      summary: 'Lists the items of a stage',
      with: { items: itemsInput('text', 'The items.') },
      required: ['items'],
      outputs: { file: fileOutput('text', 'Their names.'), count: { type: 'integer' } },
      isolation: 'inline',
      load: async () => ({ run: join_ }),
    }),
    defineActivity({
      ...common,
      name: 'stub.gather',
      summary: 'Joins the files of the items of a stage',
      with: { items: itemsInput('text', 'The items.') },
      required: ['items'],
      outputs: { file: fileOutput('text', 'Their texts.') },
      isolation: 'child',
      load: async () => ({ run: gather }),
    }),
    defineActivity({
      ...common,
      name: 'stub.count',
      summary: 'Counts, and resumes counting',
      with: { to: { type: 'integer' }, 'each-ms': { type: 'integer', 'x-not-in-key': true } },
      required: ['to', 'each-ms'],
      outputs: { file: fileOutput('text', 'The numbers.') },
      isolation: 'child',
      load: async () => ({ run: count }),
    }),
  ],
};
