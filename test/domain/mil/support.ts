import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { digestOf } from '../../../domain/digest.js';
import { SamMilError, type ErrorCode } from '../../../domain/errors.js';
import type { InputFile, ItemRecord, Job, Progress } from '../../../domain/job.js';

type Test = { after(done: () => void): void };

/**
 * For `assert.throws` and `assert.rejects`: checks that the error is a SamMilError with this code and a
 * matching message.
 */
export function hasCode(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof SamMilError)) throw error;
    if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}: ${error.message}`);
    if (!message.test(error.message)) throw new Error(`"${error.message}" does not match ${message}`);
    return true;
  };
}

/** A temporary folder that is removed when the test ends. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function inputFile(path: string): InputFile {
  return { path, digest: digestOf(readFileSync(path)), name: basename(path).replace(/\.[^.]*$/, '') };
}

/** Writes an items file. A record needs only its key. */
export function writeItems(path: string, records: readonly (Partial<ItemRecord> & { key: string })[]): void {
  const lines = records.map((record) =>
    JSON.stringify({ fields: {}, status: 'done', outputs: {}, ...record }),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** A job in a separate work folder that keeps its `logged` lines and `progressed` reports for assertions. */
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

/** The epochs that a training reported as finished. Reports between steps have the note of the last one. */
export function finishedEpochs({ reports }: { reports: readonly Progress[] }): number[] {
  const noted = reports.filter(({ note }) => note !== undefined);
  return [...new Set(noted.map(({ done }) => done))];
}
