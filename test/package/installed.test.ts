import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { CommandResult } from '../../domain/machine/run-command.js';
import { checkout, fixture } from '../support/fixtures.js';
import { fetchNode } from '../support/node-versions.js';
import { installPacked, packOnce, type PackedProject } from '../support/packed.js';
import { scratchFolder } from '../support/scratch-folder.js';

const MEGABYTE = 1e6;
const PIPELINES = join('node_modules', 'sam-mil', 'pipelines');
const folder = scratchFolder();

/** Additional packages of a TypeScript program: our own versions, which are in npm's cache. */
function developmentPackages(): Record<string, string> {
  const text = readFileSync(join(checkout, 'package.json'), 'utf8');
  const versions = (JSON.parse(text) as { devDependencies: Record<string, string> }).devDependencies;
  return { typescript: versions.typescript, '@types/node': versions['@types/node'] };
}

function succeeded(result: CommandResult): string {
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
  return result.stdout;
}

test('the tarball has at most 8 MB', async () => {
  const { size } = statSync(await packOnce());
  console.log(`tarball: ${(size / MEGABYTE).toFixed(2)} MB`);
  assert.ok(size <= 8 * MEGABYTE, `${size} bytes`);
});

/**
 * Verified in their sources: each looks for its prebuilt binary among its own packages, and does nothing if
 * it finds it.
 */
const HARMLESS_SCRIPTS = ['@swc/core', 'koffi', 'protobufjs'];

test('no dependency has an install script that downloads from its own host', () => {
  const text = readFileSync(join(checkout, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>;
  };
  const scripted = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript && !entry.dev);
  assert.deepEqual(
    scripted.map(([name]) => name.replace(/^.*node_modules\//, '')),
    HARMLESS_SCRIPTS,
  );
});

describe('installed from its tarball in an empty project, without flags', { timeout: 1_200_000 }, () => {
  let project: PackedProject;

  before(async () => {
    const start = performance.now();
    project = await installPacked(folder, developmentPackages());
    console.log(`npm install: ${((performance.now() - start) / 1000).toFixed(0)} s`);
    for (const name of ['program.ts', 'tsconfig.json']) {
      cpSync(fixture('package', `${name}.txt`), join(folder, name));
    }
  });

  test('a TypeScript program that uses every entry compiles, declarations of dependencies included', async () => {
    succeeded(await project.run('tsc', ['-p', '.']));
  });

  for (const major of [20, 22, 24]) {
    test(`on Node ${major} doctor, validate, run and a program that runs a pipeline work`, async (context) => {
      const node = await fetchNode(major);
      if ('lack' in node) return context.skip(node.lack);
      const here = project.on(node.program);
      const work = (name: string) => join(folder, 'work', `${name}-${major}`);

      const facts = succeeded(await here.samMil('doctor', '--json'))
        .trim()
        .split('\n');
      const states = facts.map((line) => JSON.parse(line) as { name: string; state: string; text: string });
      assert.match(states.find(({ name }) => name === 'node')?.text ?? '', new RegExp(`^Node ${major}\\.`));
      for (const name of ['temporal', 'openslide', 'tensorflow', 'onnx']) {
        assert.equal(states.find((fact) => fact.name === name)?.state, 'ok', name);
      }

      assert.match(
        succeeded(await here.samMil('validate', join(PIPELINES, 'quickstart.yaml'))),
        /quickstart\.yaml: valid/,
      );

      // Patches of 512 pixels: OpenSlide, segments, an encoder through ONNX Runtime, in a few seconds.
      const slides = [join(PIPELINES, 'preprocess.yaml'), '--set', 'patch-size=512'];
      const run = await here.samMil('run', ...slides, '--work', work('preprocess'));
      assert.match(succeeded(run), /^preprocess-\S+ {2}done: 2 items/m);

      const program = ['out/program.js', join(PIPELINES, 'musk.yaml'), work('musk')];
      assert.equal(succeeded(await here.run(node.program, program)), 'wrong-type\ndone\n');
    });
  }

  test('what only a checkout can do is refused, with what to do instead', async () => {
    const { code, stderr } = await project.samMil('self-test');
    assert.equal(code, 2);
    assert.match(stderr, /the installed package contains no tests[^]*next +run `npm test` in a clone/);
  });

  test('missing parts are reported; importing an entry and `doctor` install nothing', async () => {
    const env = { SAM_MIL_CACHE: join(folder, 'empty-cache') };
    const script = "import { tf } from 'sam-mil/model'; import 'sam-mil'; console.log(typeof tf);";
    writeFileSync(join(folder, 'light.mjs'), script);
    assert.equal(succeeded(await project.run('node', ['light.mjs'], { env })), 'undefined\n');
    const { stdout } = await project.run('npx', ['sam-mil', 'doctor'], { env });
    assert.match(stdout, /○ tensorflow .*not installed yet/);
    assert.match(stdout, /○ onnx .*not installed yet/);
    assert.equal(existsSync(env.SAM_MIL_CACHE), false);
  });
});
