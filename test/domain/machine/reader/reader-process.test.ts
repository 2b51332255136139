import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type ReaderLimits, ReaderProcess } from '../../../../domain/machine/reader/reader-process.js';
import { isProcessAlive } from '../../../../domain/machine/file-lock.js';
import { eventually } from '../../../support/processes.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const errors = JSON.stringify(new URL('../../../../domain/errors.js', import.meta.url).href);
const module = `data:text/javascript,${encodeURIComponent(`
  import { writeFileSync } from 'node:fs';
  import { SamMilError } from ${errors};
  export const add = async (a, b) => a + b;
  export const refuse = () => { throw new SamMilError('CountMismatch', 'no', { file: 'a.h5', found: '3' }); };
  export const exit = () => process.exit(7);
  export const spin = () => { for (;;) ; };
  export const spinAs = (file) => { writeFileSync(file, String(process.pid)); spin(); };
  export const fill = () => { const all = []; for (;;) all.push({ at: all.length, text: 'x' + all.length }); };
`)}`;

function reading(name: string) {
  return { module, name, file: 'source.csv' };
}

function reader(context: TestContext, limits?: Partial<ReaderLimits>): ReaderProcess {
  const process = new ReaderProcess(limits);
  context.after(() => process.close());
  return process;
}

type Add = (a: number, b: number) => Promise<number>;
type None = () => void;

test('calls return values in order, and errors with their code and facts', async (context) => {
  const process = reader(context);
  const calls = [1, 2, 3].map((a) => process.call<Add>(reading('add'), a, 10));
  assert.deepEqual(await Promise.all(calls), [11, 12, 13]);
  await assert.rejects(process.call<None>(reading('refuse')), {
    code: 'CountMismatch',
    message: 'a.h5: no; found 3',
  });
  assert.equal(await process.call<Add>(reading('add'), 1, 2), 3);
});

test('a call that crashes, hangs or takes too much memory names the file, and the next one works', async (context) => {
  const process = reader(context, { seconds: 10, mib: 64 });
  await assert.rejects(process.call<None>(reading('exit')), {
    code: 'InvalidInput',
    message: /^source\.csv: .*exit code 7/,
  });
  await assert.rejects(process.call<None>(reading('fill')), {
    code: 'InvalidInput',
    message: /^source\.csv: .*memory.*64 MiB.*SAM_MIL_READ_MIB/,
  });
  assert.equal(await process.call<Add>(reading('add'), 1, 2), 3);
  const hasty = reader(context, { seconds: 1 });
  let beats = 0;
  const timer = setInterval(() => beats++, 50);
  context.after(() => clearInterval(timer));
  await assert.rejects(hasty.call<None>(reading('spin')), {
    code: 'Unavailable',
    message: /^source\.csv: .*1 seconds.*SAM_MIL_READ_SECONDS/,
  });
  assert.ok(beats > 0, 'this process continues meanwhile');
  assert.equal(await hasty.call<Add>(reading('add'), 1, 2), 3);
});

const url = JSON.stringify(
  new URL('../../../../domain/machine/reader/reader-process.js', import.meta.url).href,
);

test('a reader that is busy dies with its process', async (context) => {
  const file = join(temporaryFolder(context), 'pid');
  const call = { module, name: 'spinAs', file: '' };
  const program = `
    const { ReaderProcess } = await import(${url});
    await new ReaderProcess().call(${JSON.stringify(call)}, ${JSON.stringify(file)});
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  await eventually('the reader is busy', () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  const reader = Number(readFileSync(file, 'utf8'));
  assert.ok(isProcessAlive(reader));
  parent.kill('SIGKILL');
  await eventually('the reader has ended', () => !isProcessAlive(reader));
});

test('an idle reader does not keep its process alive', () => {
  const program = `
    const { ReaderProcess } = await import(${url});
    const reader = new ReaderProcess();
    const call = { module: ${JSON.stringify(module)}, name: 'add', file: '' };
    console.log(await reader.call(call, 1, 2), await reader.call(call, 2, 2));
  `;
  const { stdout, stderr, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.deepEqual({ stdout, stderr, signal }, { stdout: '3 4\n', stderr: '', signal: null });
});
