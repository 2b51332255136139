import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { checkout } from '../support/fixtures.js';

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));

/** A minimal checkout: the real launcher, one source file, TypeScript as its only dependency. */
function smallCheckout(context: TestContext): string {
  const root = temporaryFolder(context);
  for (const file of ['client/sam-mil.mjs', 'client/set-up.mjs'])
    cpSync(join(checkout, file), join(root, file));
  write(root, 'client/cli.ts', "export function main(args: string[]) { console.log('first', ...args); }\n");
  write(root, 'domain/old.ts', 'export const old = 1;\n');
  write(root, 'package.json', '{ "type": "module" }');
  const options = {
    module: 'NodeNext',
    outDir: 'dist',
    rootDir: '.',
    types: [],
    strict: true,
    skipLibCheck: true,
  };
  write(root, 'tsconfig.json', JSON.stringify({ compilerOptions: options, include: ['client', 'domain'] }));
  const { version } = JSON.parse(readFileSync(join(typescript, 'package.json'), 'utf8')) as {
    version: string;
  };
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/typescript': { version } } });
  write(root, 'package-lock.json', lock);
  write(root, 'node_modules/.package-lock.json', lock);
  symlinkSync(realpathSync(typescript), join(root, 'node_modules', 'typescript'));
  // The declarations of console, without all of Node's.
  write(root, 'client/console.d.ts', 'declare const console: { log(...parts: unknown[]): void };\n');
  return root;
}

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function launch(root: string, args: string[], nodeArgs: string[] = []): Promise<Outcome> {
  const child = spawn(process.execPath, [...nodeArgs, join(root, 'client', 'sam-mil.mjs'), ...args]);
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
  return new Promise((done) => child.on('close', (code) => done({ ...outcome, code })));
}

test('two concurrent starts compile a fresh checkout once; later starts compile only changes', async (context) => {
  const root = smallCheckout(context);
  const [one, two] = await Promise.all([launch(root, ['one']), launch(root, ['two'])]);
  assert.deepEqual([one.stdout, two.stdout], ['first one\n', 'first two\n']);
  assert.equal(`${one.stderr}${two.stderr}`.match(/compiling/g)?.length, 1);
  assert.ok(existsSync(join(root, 'node_modules', '.bin', 'sam-mil')));
  assert.equal(existsSync(join(root, '.sam-mil', 'set-up.lock')), false);

  const unchanged = await launch(root, ['again', '--json']);
  assert.deepEqual(unchanged, { code: 0, stdout: 'first again --json\n', stderr: '' });

  write(root, 'client/cli.ts', "export function main(args: string[]) { console.log('second', ...args); }\n");
  rmSync(join(root, 'domain/old.ts'));
  const changed = await launch(root, ['x']);
  assert.equal(changed.stdout, 'second x\n');
  assert.equal(existsSync(join(root, 'dist/domain/old.js')), false);
});

test('a source that does not compile fails with its errors, each time', async (context) => {
  const root = smallCheckout(context);
  write(root, 'domain/old.ts', "export const old: number = 'text';\n");
  for (const round of ['first', 'next']) {
    const outcome = await launch(root, [round]);
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /old\.ts\(1,14\): error TS2322/);
    assert.match(outcome.stderr, /sam-mil: .*tsc -p .* failed/);
    assert.equal(outcome.stdout, '');
  }
});

test('a linked node_modules that does not match is not changed', async (context) => {
  const root = smallCheckout(context);
  write(root, 'elsewhere/keep.txt', 'keep');
  rmSync(join(root, 'node_modules'), { recursive: true });
  symlinkSync(join(root, 'elsewhere'), join(root, 'node_modules'));
  const outcome = await launch(root, ['x']);
  assert.equal(outcome.code, 1);
  assert.match(
    outcome.stderr,
    /node_modules is a symbolic link and does not match package-lock\.json\. Next: run `npm ci`/,
  );
  assert.ok(existsSync(join(root, 'elsewhere/keep.txt')));
});

test('a Node that is too old or too new is refused before anything is done', async (context) => {
  const root = smallCheckout(context);
  for (const version of ['18.20.4', '20.2.0', '25.0.0']) {
    const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
    write(root, 'versions.cjs', versions);
    const outcome = await launch(root, ['x'], ['--require', join(root, 'versions.cjs')]);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, new RegExp(`Node ${version} is not supported; expected 20.3 to 24`));
  }
  assert.equal(existsSync(join(root, 'dist')), false);
});
