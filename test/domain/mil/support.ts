import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { digestOf } from '../../../domain/digest.js';
import { SamMilError, type ErrorCode } from '../../../domain/errors.js';
import type { InputFile, ItemRecord, Job } from '../../../domain/job.js';

type Test = { after(done: () => void): void };

/** For `assert.throws` and `assert.rejects`: the error is ours, has this code, and its message says what it should. */
export function hasCode(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof SamMilError)) throw error;
    if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}: ${error.message}`);
    if (!message.test(error.message)) throw new Error(`"${error.message}" does not match ${message}`);
    return true;
  };
}

/** A folder of its own, gone when the test ends. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function inputFile(path: string): InputFile {
  return { path, digest: digestOf(readFileSync(path)), name: basename(path).replace(/\.[^.]*$/, '') };
}

/** Writes an items file; a record needs its key only. */
export function writeItems(path: string, records: readonly (Partial<ItemRecord> & { key: string })[]): void {
  const lines = records.map((record) =>
    JSON.stringify({ fields: {}, status: 'done', outputs: {}, ...record }),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** A job in a work folder of its own, with `logged` lines and `progressed` reports to look at afterwards. */
export function makeJob<With>(
  t: Test,
  parameters: With,
  options: { name?: string; work?: string; run?: string } = {},
): Job<With> & { logged: string[]; progressed: string[] } {
  const work = options.work ?? temporaryFolder(t);
  const [scratch, checkpoint] = ['scratch', 'checkpoint'].map((name) =>
    join(work, `.${name}-${Math.random()}`),
  );
  for (const folder of [scratch, checkpoint]) mkdirSync(folder, { recursive: true });
  const [logged, progressed]: string[][] = [[], []];
  return {
    with: parameters,
    work,
    ...(options.run === undefined ? {} : { run: options.run }),
    name: options.name ?? 'job',
    scratch,
    checkpoint,
    signal: new AbortController().signal,
    progress: ({ unit, done, total }) => progressed.push(`${unit} ${done}/${total}`),
    log: (level, message, facts) => logged.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`),
    logged,
    progressed,
  };
}
