import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCommit } from '../../../client/set-up/versions.js';
import { packageVersion } from '../../../domain/package-root.js';
import { runCli } from '../../support/cli.js';

test('--version --verbose names the version of everything that computes results', async () => {
  const { code, stdout, stderr } = await runCli(tmpdir(), '--version', '--verbose');
  assert.deepEqual([code, stderr], [0, '']);
  const names = stdout.match(/^\S.*?(?= {2})/gm);
  assert.deepEqual(names, [
    ...[
      'sam-mil',
      'commit',
      'Node',
      'Temporal SDK',
      'Temporal server',
      'TensorFlow',
      'ONNX Runtime',
      'OpenSlide',
    ],
  ]);
  assert.match(stdout, new RegExp(`^sam-mil +${packageVersion()}$`, 'm'));
  assert.match(stdout, new RegExp(`^Node +${process.versions.node}, `, 'm'));
  assert.equal((await runCli(tmpdir(), '--version')).stdout, `${packageVersion()}\n`);
});

test('the commit is that of the checkout, or the one that was packed; never that of a project around it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-versions-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  const git = (...args: string[]) =>
    execFileSync('git', [...identity, '-C', folder, ...args])
      .toString()
      .trim();
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  assert.equal(await readCommit(folder), git('rev-parse', 'HEAD'));
  writeFileSync(join(folder, 'new.ts'), '');
  assert.equal(await readCommit(folder), `${git('rev-parse', 'HEAD')}, with changes`);
  const inside = join(folder, 'node_modules', 'sam-mil');
  mkdirSync(join(inside, 'dist'), { recursive: true });
  assert.equal(await readCommit(inside), undefined);
  writeFileSync(join(inside, 'dist', 'commit'), 'abc123\n');
  assert.equal(await readCommit(inside), 'abc123');
});
