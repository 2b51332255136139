import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { asWriteError, writeAtomic } from '../../files/atomic.js';
import { goneFolder, makeScratchFolder } from '../../files/make-folders.js';
import type { InputFile, Job, JobResult } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import { programEnvironment, secretMask } from './environment.js';
import { faultsIn } from './find-faults.js';
import { OutputLog } from './output-log.js';
import type { CommandWith } from './parameters.js';
import { fillIn, quoteForShell } from './placeholders.js';
import { requireOutput, writeItems } from './prepare-files.js';
import { runProgram, type Program, type ProgramEnd } from './program.js';

/**
 * Runs a program with the declared files and values, and returns the files that it has declared to write.
 *
 * It works in an empty folder of the attempt, without standard input and with only the declared environment.
 * Both outputs go to the log of the item. A later attempt gets the same checkpoint folder.
 * @throws SamMilError CommandFailed (retried) if the program fails; InvalidInput if it cannot be started,
 * ends with one of `non-retryable-codes`, or was declared wrongly; ContractBroken if an output is missing
 */
export async function run(job: Job<CommandWith>): Promise<JobResult> {
  const { with: given, scratch, signal } = job;
  refuseFaults(given);
  const outputs = given.outputs as Record<string, string>;
  const cwd = makeScratchFolder(scratch, 'files');
  for (const path of Object.values(outputs)) makeScratchFolder(cwd, dirname(path));
  const program = programOf(job, await placeValues(job, cwd), cwd);
  const log = new OutputLog((line) => job.log('info', line));
  const end = await follow(job, program, log).catch((error: unknown) => {
    throw existsSync(scratch) ? asWriteError(error, cwd) : goneFolder(scratch, error);
  });
  signal.throwIfAborted();
  if (!existsSync(scratch)) throw goneFolder(scratch);
  if (end.code !== 0) throw failure(end, given, log.lastLines());
  const files: JobResult['files'] = {};
  for (const [name, path] of Object.entries(outputs)) {
    files[name] = { from: await requireOutput(cwd, name, path), to: path };
  }
  return { files };
}

/** Those that `validate` could not see, because expressions computed the values. */
function refuseFaults(given: CommandWith): void {
  const [fault] = faultsIn(given as unknown as JsonObject);
  if (fault === undefined) return;
  throw new SamMilError('InvalidInput', `\`${fault.parameter}\` ${fault.what}`, { next: fault.next });
}

/** Values of the placeholders, and of the job file, which is written here. */
async function placeValues(job: Job<CommandWith>, cwd: string): Promise<Map<string, string>> {
  const { with: given, scratch, checkpoint, name } = job;
  const pathOf = ([key, file]: [string, unknown]) => [key, (file as InputFile).path] as const;
  const inputs = Object.fromEntries(Object.entries(given.inputs).map(pathOf));
  const items: Record<string, string> = {};
  for (const [key, list] of Object.entries(given.items)) {
    items[key] = await writeItems(job, key, list as unknown as InputFile);
  }
  const outputs = Object.fromEntries(
    Object.entries(given.outputs).map(([key, path]) => [key, join(cwd, path as string)]),
  );
  const { params } = given;
  const file = join(scratch, 'job.json');
  writeAtomic(file, `${JSON.stringify({ name, inputs, items, outputs, params, checkpoint }, null, 1)}\n`);
  const values = new Map(Object.entries({ checkpoint, job: file }));
  if (given.script !== undefined) values.set('script', given.script.path);
  for (const [group, members] of Object.entries({ inputs, items, outputs, params })) {
    for (const [key, value] of Object.entries(members)) values.set(`${group}.${key}`, textOf(value));
  }
  return values;
}

/** A list or mapping among `params` is inserted as JSON. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function programOf(job: Job<CommandWith>, values: ReadonlyMap<string, string>, cwd: string): Program {
  const { with: given, checkpoint, name } = job;
  const variables = Object.entries(given.env).map(([key, value]) => [
    key,
    fillIn(String(value as string | number), values),
  ]);
  const own = { SAM_MIL_JOB: values.get('job') ?? '', SAM_MIL_CHECKPOINT: checkpoint, SAM_MIL_NAME: name };
  const env = programEnvironment({
    worker: process.env,
    pass: given.passEnv,
    own,
    given: Object.fromEntries(variables) as Record<string, string>,
  });
  const stdout = given.stdout === undefined ? undefined : values.get(`outputs.${given.stdout}`);
  return { argv: argumentsOf(given, values), cwd, env, stdout };
}

const SHELLS = {
  bash: ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c'],
  sh: ['sh', '-e', '-c'],
} as const;

function argumentsOf({ command, shell }: CommandWith, values: ReadonlyMap<string, string>): Program['argv'] {
  if (typeof command === 'string') return [...SHELLS[shell ?? 'sh'], fillIn(command, values, quoteForShell)];
  const [program, ...rest] = command.map((argument) => fillIn(String(argument), values));
  return [program, ...rest];
}

async function follow(job: Job<CommandWith>, program: Program, log: OutputLog): Promise<ProgramEnd> {
  const mask = secretMask(process.env, job.with.passEnv);
  const listener = {
    onLine: (stream: 'stdout' | 'stderr', line: string) => log.add(stream, mask(line)),
    // Every report counts as progress, also of a program that only redraws one line.
    onOutput: (line: string) =>
      job.progress({ unit: 'lines', done: log.count, total: 0, note: mask(line).slice(-80) }),
  };
  try {
    return await runProgram(program, listener, job.signal);
  } finally {
    log.end();
  }
}

function failure({ code, signal }: ProgramEnd, given: CommandWith, found: string): SamMilError {
  if (code === null) {
    return new SamMilError('CommandFailed', `the program was ended by ${signal ?? 'a signal'}`, {
      found,
      next:
        signal === 'SIGKILL'
          ? 'if this happens each time, the host is probably out of memory: run fewer items at once (max-parallel)'
          : undefined,
    });
  }
  if (!given.nonRetryableCodes.includes(code)) {
    return new SamMilError('CommandFailed', `the program ended with exit code ${code}`, { found });
  }
  return new SamMilError('InvalidInput', `the program ended with exit code ${code}`, {
    found,
    next: `the step was not retried: ${code} is one of its \`non-retryable-codes\``,
  });
}
