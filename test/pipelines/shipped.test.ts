import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../domain/json.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { durationMs } from '../../domain/engine/language/plan/duration.js';
import { generatedFiles } from '../../domain/engine/language/editor/generated-files.js';
import { loadPipeline } from '../../domain/engine/language/load-pipeline.js';
import { renderProblems } from '../../domain/engine/language/problems/render-problems.js';
import { evaluateOutputs } from '../../domain/engine/language/plan/step-context.js';
import { listForms, schemaFaults } from '../../domain/engine/language/check/schema-faults.js';
import { checkout as root } from '../support/fixtures.js';

/** The built-in activities, the bundled pipelines and the pages generated from both match. */

const registry = await loadRegistry();
const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));

for (const name of readdirSync(join(root, 'pipelines')).filter((file) => file.endsWith('.yaml'))) {
  test(`pipelines/${name} has no problem, not even a warning`, () => {
    const file = join(root, 'pipelines', name);
    const text = readFileSync(file, 'utf8');
    const { problems } = loadPipeline(text, { file, catalog, cwd: root, withoutValues: true });
    assert.equal(renderProblems(problems, text, name), '');
  });
}

for (const [name, values] of [
  ['table1', 'tcga-nsclc'],
  ['table2', 'tcga-nsclc-table2'],
  ['figure4', 'tcga-nsclc'],
  ['figure6', 'tcga-nsclc'],
]) {
  test(`pipelines/${name}.yaml takes the values of pipelines/params/${values}.yaml`, () => {
    const file = join(root, 'pipelines', `${name}.yaml`);
    const folder = join(root, 'pipelines/params');
    const overlay = { text: readFileSync(join(folder, `${values}.yaml`), 'utf8'), file: 'tcga', folder };
    // Every path in it exists except the slides, which only a user has.
    const set = [['slides', join(root, 'pipelines/data/labels/label_c16.csv')]] as const;
    const { problems, plan } = loadPipeline(readFileSync(file, 'utf8'), {
      file,
      catalog,
      cwd: root,
      overlay,
      set,
    });
    assert.deepEqual(problems, []);
    assert.deepEqual([plan?.params.folds, plan?.params.match], [5, 'contains']);
    assert.equal(plan?.work, join(root, 'work/tcga-nsclc'));
  });
}

test('preprocess.yaml also succeeds when no outlines of the segments are requested', () => {
  const file = join(root, 'pipelines/preprocess.yaml');
  const { plan } = loadPipeline(readFileSync(file, 'utf8'), {
    file,
    catalog,
    cwd: root,
    withoutValues: true,
  });
  const stage = plan?.stages.find(({ name }) => name === 'preprocess');
  assert.ok(stage);
  const steps = stage.steps.map(({ id, uses }) => [id, { ...catalog[uses].outputs } as JsonObject] as const);
  const made = Object.fromEntries(steps);
  delete made.segment['segments-geojson'];
  const outputs = evaluateOutputs(stage, {}, { key: 'a', fields: {}, steps: made });
  assert.equal(outputs['segments-geojson'], null);
  assert.equal(outputs.bag, made.extract.bag);
});

test('convert.yaml passes on what no file states', () => {
  const file = join(root, 'pipelines/convert.yaml');
  const given = (set: [string, string][]) => {
    const { plan } = loadPipeline(readFileSync(file, 'utf8'), { file, catalog, cwd: root, set });
    const { 'patch-size-level0': size, 'slide-magnification': power } = plan!.stages[0].steps[0].with;
    return [size, power];
  };
  assert.deepEqual(given([]), [undefined, undefined]);
  assert.deepEqual(
    given([
      ['patch-size-level0', '512'],
      ['slide-magnification', '40'],
    ]),
    [512, 40],
  );
});

test('quickstart.yaml trains 18 cells and evaluates each as it ends', () => {
  const file = join(root, 'pipelines/quickstart.yaml');
  const { plan } = loadPipeline(readFileSync(file, 'utf8'), { file, catalog, cwd: root });
  const stages = new Map(plan?.stages.map((stage) => [stage.name, stage]));
  const train = stages.get('train')?.source;
  assert.ok(train?.kind === 'matrix');
  const keys = train.cells.map(({ key }) => key);
  assert.deepEqual([keys.length, keys[0], keys[17]], [18, 'abmil-0-0', 'sam-mil-2-2']);
  assert.deepEqual(stages.get('evaluate')?.source, { kind: 'from', stage: 'train', as: 'matrix' });
});

for (const name of registry.names) {
  test(`${name} is declared consistently`, () => {
    const { with: parameters, required, outputs, timeout, heartbeat, summary } = registry.require(name);
    assert.match(name, /^[a-z]+\.[a-z][a-z-]*$/);
    assert.ok(summary.length > 10 && !summary.endsWith('.'));
    assert.deepEqual(
      required.filter((key) => !Object.hasOwn(parameters, key)),
      [],
      'required but not declared',
    );
    const longest = durationMs(timeout);
    const beat = durationMs(heartbeat);
    assert.ok(longest !== undefined && beat !== undefined && beat <= longest, `${timeout} and ${heartbeat}`);
    for (const [key, schema] of Object.entries({ ...parameters, ...outputs })) {
      assert.match(key, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, key);
      assert.ok(schema.description, `${key} has no description`);
    }
    for (const [key, schema] of Object.entries(parameters)) {
      if (schema.default !== undefined)
        assert.deepEqual(schemaFaults(schema, schema.default as Json), [], `default of ${key}`);
      assert.ok(
        !(required.includes(key) && schema.default !== undefined),
        `${key} is required and has a default`,
      );
    }
  });
}

test('every kind of items that an activity takes is made by another activity', () => {
  const definitions = registry.names.map((name) => registry.require(name));
  const made = new Set(
    definitions.flatMap(({ outputs }) => Object.values(outputs).map((schema) => schema['x-kind'])),
  );
  for (const { name, with: parameters } of definitions) {
    for (const [key, schema] of Object.entries(parameters)) {
      const forms = listForms(schema).filter(
        (form) => form['x-input'] === 'items' && form['x-kind'] !== undefined,
      );
      for (const form of forms)
        assert.ok(made.has(form['x-kind']), `nothing makes ${form['x-kind']} for ${name} ${key}`);
    }
  }
});

for (const [path, text] of Object.entries(generatedFiles(catalog))) {
  test(`${path} is what the activities' definitions say`, () => {
    const file = join(root, path);
    if (process.env.UPDATE_GOLDEN) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const stale = readFileSync(file, 'utf8') === text ? '' : 'stale: run this test with UPDATE_GOLDEN=1';
    assert.equal(stale, '');
  });
}
