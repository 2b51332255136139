import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { platformKey } from '../../../domain/machine/cache-folder.js';
import {
  installPackages,
  type PackageSet,
  packagesFolder,
  pinnedVersion,
} from '../../../domain/machine/npm-packages.js';
import { checkout } from '../../support/fixtures.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const SETS: readonly PackageSet[] = ['tensorflow', 'onnxruntime'];

/** Sets variables for one test. */
function environment(context: TestContext, changes: NodeJS.ProcessEnv): void {
  const kept = { ...process.env };
  context.after(() => (process.env = kept));
  Object.assign(process.env, changes);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
}

test('concurrent installations share one complete copy, without files for other platforms', async (context) => {
  const folder = temporaryFolder(context);
  const into = packagesFolder('onnxruntime', folder);
  const lines: string[] = [];
  const request = { set: 'onnxruntime', into, log: (line: string) => lines.push(line) } as const;
  await Promise.all([installPackages(request), installPackages(request)]);
  assert.deepEqual(
    readdirSync(folder),
    [into.slice(folder.length + 1)],
    'no lock and no partial copy is left',
  );
  const files = filesBelow(into);
  const binaries = files.filter((name) => name.endsWith('onnxruntime_binding.node'));
  assert.deepEqual(
    binaries.map((name) => name.split('/').slice(-3, -1).join('-')),
    [platformKey()],
  );
  assert.deepEqual(
    files.filter((name) => name.endsWith('.map')),
    [],
  );
  const manifest = readFileSync(join(into, 'node_modules/onnxruntime-node/package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  assert.equal(version, pinnedVersion('onnxruntime', 'onnxruntime-node'));
});

test('without npm, the error states an alternative and nothing is left behind', async (context) => {
  const folder = temporaryFolder(context);
  environment(context, { PATH: folder });
  const into = packagesFolder('tensorflow', folder);
  await assert.rejects(installPackages({ set: 'tensorflow', into, log: () => undefined }), {
    code: 'Unavailable',
    message:
      /tensorflow could not be installed; found npm is not installed; Next: install npm.*copy the cache folder/,
  });
  assert.deepEqual(readdirSync(folder), []);
});

test('if the registry is unreachable, the error contains the message of npm', async (context) => {
  const folder = temporaryFolder(context);
  const npm = {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(folder, 'npm'),
    npm_config_fetch_retries: '0',
  };
  environment(context, npm);
  const into = packagesFolder('onnxruntime', join(folder, 'cache'));
  await assert.rejects(installPackages({ set: 'onnxruntime', into, log: () => undefined }), {
    code: 'Unavailable',
    message:
      /onnxruntime could not be installed; found .*127\.0\.0\.1:9.*Next: check that npm can reach its registry/,
  });
  assert.equal(existsSync(into), false);
});

for (const set of SETS) {
  test(`the lock file of ${set} pins every package by its digest and names no host`, () => {
    const text = readFileSync(join(checkout, 'npm', set, 'package-lock.json'), 'utf8');
    assert.doesNotMatch(text, /"resolved"/);
    const { packages } = JSON.parse(text) as { packages: Record<string, { integrity?: string }> };
    const loose = Object.entries(packages).filter(
      ([name, { integrity }]) => name !== '' && integrity === undefined,
    );
    assert.deepEqual(loose, []);
  });
}
