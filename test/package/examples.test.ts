import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readCsv } from '../../domain/files/csv.js';
import { withH5 } from '../../domain/files/hdf5/h5.js';
import { openSlide } from '../../domain/pathology/slides/open.js';
import type { CommandResult } from '../../domain/machine/run-command.js';
import { checkout } from '../support/fixtures.js';
import { findPython } from '../support/python.js';
import { installPacked, type PackedProject } from '../support/packed.js';
import { scratchFolder } from '../support/scratch-folder.js';
import { TestServer } from '../support/server.js';

/**
 * A user's project for all examples: the packed sam-mil, and the two plugins as installed from a registry.
 */
let project: PackedProject;
let server: TestServer;

const examples = join(checkout, 'examples');
const folder = scratchFolder();

before(async () => {
  // A dependency by path is then packed and copied, not linked into the checkout, whose own sam-mil it would
  // find.
  writeFileSync(join(folder, '.npmrc'), 'install-links=true\n');
  const installed = installPacked(folder, {
    'nuclei-density': `file:${join(examples, 'plugin-activity')}`,
    'norm-attention-mil': `file:${join(examples, 'plugin-model')}`,
    'neighborhood-mil': `file:${join(examples, 'spatial-model')}`,
    ...devDependenciesOf('library'),
  });
  [project, server] = await Promise.all([installed, TestServer.start()]);
});

after(() => server?.stop());

function devDependenciesOf(example: string): Record<string, string> {
  const text = readFileSync(join(examples, example, 'package.json'), 'utf8');
  return (JSON.parse(text) as { devDependencies: Record<string, string> }).devDependencies;
}

/** Copies the example's folder into the project, where it uses the project's packages. */
function exampleFolder(name: string, only?: string): string {
  const folder = join(project.folder, name);
  const wanted = (path: string) => only === undefined || path.endsWith(name) || path.endsWith(only);
  cpSync(join(examples, name), folder, { recursive: true, filter: wanted });
  symlinkSync(join(project.folder, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

async function succeed(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = server.environment,
): Promise<CommandResult> {
  const result = await project.run(program, args, { cwd, env, timeout: 300_000 });
  assert.equal(result.code, 0, `${program} ${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result;
}

test('plugin-activity: a package with an activity is used by its name, and computes what it says', async () => {
  const folder = exampleFolder('plugin-activity', 'pipeline.yaml');
  await succeed('sam-mil', ['run', 'pipeline.yaml', '--worker'], folder);
  const stage = join(folder, 'work', 'nuclei', 'slides');
  const patches = withH5(join(stage, 'patches', 'CMU-1-Small-Region.h5'), (h5) => h5.read('coords'));
  const { density, coords } = withH5(join(stage, 'density', 'CMU-1-Small-Region.h5'), (h5) => ({
    density: h5.read('density') as Float32Array,
    coords: h5.read('coords'),
  }));
  assert.deepEqual(coords, patches);
  assert.equal(density.length, patches.length / 2);
  const expected = darkShare(Number(coords[0]), Number(coords[1]), 0.25);
  assert.ok(expected > 0 && expected < 1);
  assert.ok(Math.abs(density[0] - expected) < 1e-6);

  const source = join(project.folder, 'node_modules', 'nuclei-density', 'src', 'density.js');
  writeFileSync(source, `${readFileSync(source, 'utf8')}\n// edited\n`);
  const { stdout } = await succeed('sam-mil', ['plan', 'pipeline.yaml', '--why'], folder);
  assert.match(stdout, /CMU-1-Small-Region {2}density {2}code of plugin nuclei-density changed/);
});

/** Follows the definition of optical density, with a different implementation than the example. */
function darkShare(x: number, y: number, threshold: number): number {
  const slide = openSlide(join(checkout, 'pipelines', 'data', 'slides', 'CMU-1-Small-Region.svs'));
  const pixels = slide.readRegion(x, y, 0, 256, 256);
  slide.close();
  const densities = [...pixels].map((value) => -Math.log10((value + 1) / 256));
  const dark = Array.from({ length: 256 * 256 }, (_, i) => {
    return densities[3 * i] + densities[3 * i + 1] + densities[3 * i + 2] > 3 * threshold ? 1 : 0;
  });
  return dark.reduce((sum: number, one) => sum + one, 0) / dark.length;
}

test('plugin-model: a package with a model trains and evaluates it along with a built-in one', async () => {
  const folder = exampleFolder('plugin-model', 'pipeline.yaml');
  await succeed('sam-mil', ['run', 'pipeline.yaml', '--worker'], folder);
  const metrics = join(folder, 'work', 'norm-attention', 'evaluate');
  const cells = readdirSync(metrics).sort();
  assert.deepEqual(cells, [
    'abmil-0',
    'abmil-1',
    'norm-attention-1-0',
    'norm-attention-1-1',
    'norm-attention-2-0',
    'norm-attention-2-1',
  ]);
  const receipt = (stage: string, cell: string) =>
    JSON.parse(
      readFileSync(join(folder, 'work', 'norm-attention', '.receipts', stage, cell, `${stage}.json`), 'utf8'),
    ) as {
      ingredients: { code?: object };
      outputs: { auc?: number };
    };
  for (const cell of cells) {
    const { auc } = receipt('evaluate', cell).outputs;
    assert.ok(auc !== undefined && auc > 0.5 && auc <= 1, `${cell}: ${auc}`);
    const expected = cell.startsWith('norm') ? ['norm-attention-mil'] : [];
    for (const stage of ['train', 'evaluate'])
      assert.deepEqual(
        Object.keys(receipt(stage, cell).ingredients.code ?? {}),
        expected,
        `${stage} ${cell}`,
      );
  }
});

test('spatial-model: a package with a model of neighborhoods groups patches by their places and trains', async () => {
  const folder = exampleFolder('spatial-model', 'pipeline.yaml');
  const source = join(project.folder, 'node_modules', 'neighborhood-mil', 'src', 'neighborhoods.js');
  const { neighborhoods } = (await import(pathToFileURL(source).href)) as {
    neighborhoods: (bag: object, side: number) => { of: Int32Array; sizes: number[] };
  };
  const grid = Int32Array.of(3, 0, 0, 1, 1, 0, 2, 1, -1, -1, 0, 2);
  const { of, sizes } = neighborhoods({ rows: 6, grid, isGroup: Uint8Array.of(0, 0, 0, 0, 1, 0) }, 2);
  assert.deepEqual([...of], [0, 1, 1, 0, 2, 3]);
  assert.deepEqual(sizes, [2, 2, 1, 1]);

  await succeed('sam-mil', ['run', 'pipeline.yaml', '--worker'], folder);
  const cells = readdirSync(join(folder, 'work', 'neighborhood', 'evaluate')).sort();
  assert.deepEqual(cells, [
    'abmil-0',
    'abmil-1',
    'neighborhood-2-0',
    'neighborhood-2-1',
    'neighborhood-4-0',
    'neighborhood-4-1',
  ]);
});

test(
  'command-step: Python scripts read bags and write the table that the next stage takes its items from',
  { skip: findPython([]).skip },
  async () => {
    const folder = exampleFolder('command-step');
    await succeed('sam-mil', ['run', 'pipeline.yaml', '--worker'], folder);
    const work = join(folder, 'work', 'command-step');
    const { rows } = readCsv(join(work, 'select', 'selected.csv'), { header: true });
    const spreads = rows.map(({ values }) => Number(values.spread));
    assert.ok(rows.length >= 2 && rows.length < 6, `${rows.length} rows`);
    assert.deepEqual(
      spreads,
      [...spreads].sort((a, b) => b - a),
    );
    for (const { values } of rows) {
      const { spread, patches } = spreadOf(join(work, 'features', 'h5_files', `${values.slide_id}.h5`));
      assert.equal(Number(values.patches), patches);
      assert.ok(Math.abs(Number(values.spread) - spread) < 1e-6 * spread, values.slide_id);
    }
    const closer = readdirSync(join(work, 'closer', 'patches')).sort();
    assert.deepEqual(closer, rows.map(({ values }) => `${values.slide_id}.h5`).sort());

    appendFileSync(join(folder, 'select.py'), '# edited\n');
    const { stdout } = await succeed('sam-mil', ['plan', 'pipeline.yaml', '--why'], folder);
    assert.match(stdout, /select {2}.*input script \(select\.py\) has different content/);
  },
);

/** Mean standard deviation of the features, as the example defines it. */
function spreadOf(bag: string): { spread: number; patches: number } {
  return withH5(bag, (h5) => {
    const [patches, dim] = h5.info('features').shape;
    const features = h5.read('features') as Float32Array;
    const deviations = Array.from({ length: dim }, (_, column) => {
      const values = Array.from({ length: patches }, (_, row) => features[row * dim + column]);
      const mean = values.reduce((sum, value) => sum + value, 0) / patches;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / patches);
    });
    return { spread: deviations.reduce((sum, value) => sum + value, 0) / dim, patches };
  });
}

test('own-encoder: an ONNX file that a YAML file describes gives the features', async () => {
  const folder = exampleFolder('own-encoder');
  await succeed('sam-mil', ['run', 'pipeline.yaml', '--worker'], folder);
  const stage = join(folder, 'work', 'own-encoder', 'features');
  const patches = withH5(join(stage, 'patches', 'CMU-1-Small-Region.h5'), (h5) => h5.info('coords').shape);
  withH5(join(stage, 'h5_files', 'CMU-1-Small-Region.h5'), (h5) => {
    assert.deepEqual(h5.info('features').shape, [patches[0], 16]);
    const features = h5.read('features') as Float32Array;
    assert.ok(features.every(Number.isFinite) && new Set(features).size > 16, 'filters tell patches apart');
  });
});

test('own-tissue-model: an ONNX file that a YAML file describes finds the tissue', async () => {
  const folder = exampleFolder('own-tissue-model');
  await succeed('sam-mil', ['run', 'pipeline.yaml', '--worker'], folder);
  const stage = join(folder, 'work', 'own-tissue-model', 'tissue');
  const [patches] = withH5(join(stage, 'patches', 'CMU-1-Small-Region.h5'), (h5) => h5.info('coords').shape);
  assert.ok(patches > 10);
  const mask = withH5(join(stage, 'masks', 'CMU-1-Small-Region.h5'), (h5) => h5.info('mask').shape);
  assert.deepEqual(mask, [371, 277], 'at 4 µm per pixel');
});

test('external-worker: a Temporal worker of another project runs a pipeline by prefix, and its own workflow', async () => {
  const folder = exampleFolder('external-worker');
  const env = { ...project.env, ...server.environment };
  const worker = spawn(process.execPath, ['src/worker.js'], { cwd: folder, env });
  const ended = new Promise<number | null>((done) => worker.once('close', done));
  try {
    await said(worker, /serving lab and lab-cpu/);
    const study = ['run', 'pipeline.yaml', '--prefix', 'lab', '--address', server.address, '--json'];
    const { stdout } = await succeed('sam-mil', study, folder);
    const { run, status } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, string>;
    assert.equal(status, 'done');
    const again = await succeed('sam-mil', ['resume', run, '--json'], folder);
    assert.match(again.stdout, /"status":"done"/, 'on the same queues, without a prefix');
    const inspected = await succeed('node', ['src/inspect.js', 'work/external'], folder);
    assert.equal(inspected.stdout, '2 finished: import, split\n');
    const splits = JSON.parse(
      readFileSync(join(folder, 'work', 'external', 'split', 'splits.json'), 'utf8'),
    ) as {
      labels: object;
    };
    assert.equal(Object.keys(splits.labels).length, 92);
  } finally {
    worker.kill('SIGTERM');
  }
  assert.equal(await ended, 0, 'it ends in order');
});

/** Resolves when a process has printed the expected text; rejects with its whole output if it ends first. */
function said(child: ReturnType<typeof spawn>, wanted: RegExp): Promise<void> {
  let text = '';
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      if (wanted.test(text)) resolve();
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('close', () => reject(new Error(`ended without saying ${wanted}:\n${text}`)));
  });
}

test('library: a TypeScript program compiles against the package, prints problems with their places, and runs a pipeline', async () => {
  const folder = exampleFolder('library');
  await succeed('tsc', [], folder);
  // Without server options: uses the embedded server, with a worker.
  const { stdout } = await succeed('node', ['dist/main.js'], folder, {});
  assert.match(
    stdout,
    /^mistaken\.yaml:5:11 error unknown-activity: activity `mil\.splitt` does not exist \(did you mean `mil\.split`\?\)$/m,
  );
  assert.match(stdout, /^mistaken\.yaml is not run: [1-9] errors$/m);
  assert.match(stdout, /^library-study-\S+ is done$/m);
  assert.match(stdout, /^split: 1 of 1 items$/m);
});
