import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { platformKey } from '../../../domain/machine/cache-folder.js';
import { fetchWheel } from '../../../domain/machine/wheel.js';
import type { WheelRequest } from '../../../domain/machine/wheel-request.js';
import { makeWheel, servePackage, type PackageIndex } from '../../support/package-index.js';

const big = new Uint8Array(3_000_000).map((_, index) => (index * index) % 251);
const wheel = makeWheel('tiny-lib', '1.2.0', {
  'tiny_lib/lib.so': big,
  'tiny_lib/tool': '#!/bin/sh\n',
  'a/b.txt': 'no',
});
const kept = { ...process.env };
let folder: string;
let index: PackageIndex | undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-mil-wheel-'));
});

afterEach(async () => {
  process.env = { ...kept };
  await index?.close();
  index = undefined;
});

after(() => rm(folder, { recursive: true }));

function request(name: string, changes: Partial<WheelRequest> = {}): WheelRequest {
  return {
    package: 'Tiny_Lib',
    version: '1.2.0',
    files: { any: { platform: 'any', sha256: wheel.sha256 } },
    select: (member) => (member.startsWith('tiny_lib/') ? member.slice('tiny_lib/'.length) : undefined),
    executable: (path) => path === 'tool',
    into: join(folder, name),
    ...changes,
  };
}

/** Hides all programs, including Python. */
function hidePython(): void {
  process.env.PATH = folder;
}

for (const form of ['json', 'html'] as const) {
  test(`without Python, the wheel is downloaded from the ${form} index at PIP_INDEX_URL`, async () => {
    hidePython();
    index = await servePackage('tiny-lib', wheel, form);
    process.env.PIP_INDEX_URL = index.url.replace('http://', 'http://user:p%40ss@');
    const into = await fetchWheel(request(form));
    assert.deepEqual(await readdir(into), ['lib.so', 'tool']);
    assert.deepEqual(new Uint8Array(await readFile(join(into, 'lib.so'))), big);
    assert.equal((await stat(join(into, 'tool'))).mode & 0o111, 0o111);
    assert.equal((await stat(join(into, 'lib.so'))).mode & 0o111, 0);
    const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    assert.deepEqual(
      index.requests.map((entry) => entry.authorization),
      [authorization, authorization],
    );
  });
}

test('pip downloads the wheel if Python is installed', async (context) => {
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0)
    return context.skip('python3 has no pip here');
  index = await servePackage('tiny-lib', wheel, 'html');
  process.env.PIP_INDEX_URL = index.url;
  const into = await fetchWheel(request('pip'));
  assert.deepEqual(new Uint8Array(await readFile(join(into, 'lib.so'))), big);
  assert.ok(index.requests.length >= 2);
});

test('bytes that differ from the pinned ones are rejected and nothing is left behind', async () => {
  hidePython();
  index = await servePackage('tiny-lib', { ...wheel, bytes: wheel.bytes.slice(0, -1) }, 'json');
  process.env.PIP_INDEX_URL = index.url;
  await assert.rejects(fetchWheel(request('altered')), {
    code: 'InvalidInput',
    message: new RegExp(
      `Tiny_Lib 1.2.0 does not match the pinned file; expected sha256:${wheel.sha256}; found`,
    ),
  });
  const left = await readdir(folder);
  assert.deepEqual(
    left.filter((name) => name === 'altered' || name.startsWith('.fetch-')),
    [],
  );
});

test('two concurrent downloads both succeed, and a complete folder is not downloaded again', async () => {
  hidePython();
  index = await servePackage('tiny-lib', wheel, 'json');
  process.env.PIP_INDEX_URL = index.url;
  await Promise.all([fetchWheel(request('twice')), fetchWheel(request('twice'))]);
  const before = index.requests.length;
  await fetchWheel(request('twice'));
  assert.equal(index.requests.length, before);
  assert.deepEqual(await readdir(join(folder, 'twice')), ['lib.so', 'tool']);
});

test('a member cannot be written outside the folder', async () => {
  hidePython();
  index = await servePackage('tiny-lib', wheel, 'json');
  process.env.PIP_INDEX_URL = index.url;
  await assert.rejects(fetchWheel(request('escape', { select: () => '../../outside' })), {
    code: 'InvalidInput',
  });
});

test('an error lists every download method that failed', async () => {
  hidePython();
  delete process.env.PIP_INDEX_URL;
  await assert.rejects(fetchWheel(request('nowhere')), {
    code: 'Unavailable',
    message:
      /python3 -m pip download: .*; PIP_INDEX_URL is not set.*Next: make `python3 -m pip download` work/,
  });
});

test('a platform without a pinned file is rejected before any request', async () => {
  const files = { 'plan9-mips': { platform: 'plan9', sha256: '' } };
  await assert.rejects(fetchWheel(request('plan9', { files })), {
    code: 'UnsupportedFormat',
    message: new RegExp(`expected plan9-mips; found ${platformKey()}`),
  });
});
