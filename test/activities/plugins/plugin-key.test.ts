import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import { EngineContext } from '../../../activities/step/engine-context.js';
import { prepareStep } from '../../../activities/step/prepare-step.js';
import { runStep } from '../../../activities/step/run-step.js';
import type { Registry } from '../../../activities/define/registry.js';
import { writeCheckpoint } from '../../../domain/mil/models/checkpoint.js';
import { cacheKey } from '../../../domain/engine/store/cache-key.js';
import { firstDifference } from '../../../domain/engine/store/explain.js';
import { digestOf } from '../../../domain/digest.js';
import { formatSplits } from '../../../domain/mil/split/splits.js';
import type { JsonObject } from '../../../domain/json.js';
import { planPath } from '../../../domain/engine/store/paths.js';
import { leaseFor } from '../../support/lease.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { greetingCode, writePluginPackage, writeTree } from '../../support/plugin-package.js';

const LAB_MODEL = fileURLToPath(new URL('../../support/lab-model-plugin.js', import.meta.url));

test('the key of a built-in step does not depend on plugins', () => {
  const ingredients = {
    activity: 'mil.import',
    version: 2,
    name: '',
    with: { ignore: [], standardise: false },
    inputs: {
      table: {
        digest: 'sha256:492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470',
        name: 't.csv',
      },
    },
    hidden: {},
  };
  assert.equal(
    cacheKey(ingredients),
    'sha256:025cb14c7348d0b1b2e2d7c0dbf31f48aaacb257fa1bb6a650ca3b94d3672218',
  );
});

test('a step has the code of its plugin in its key, named in the reason; a built-in step has none', async (context) => {
  const folder = temporaryFolder(context);
  const name = writePluginPackage(join(folder, 'greeter'));
  const prepare = preparer(await loadRegistry([name, LAB_MODEL]), folder);
  const before = await prepare('greeter.greet', { name: 'Ann' });
  assert.deepEqual(Object.keys(before.ingredients.code ?? {}), ['greeter']);
  writeFileSync(join(name, 'src', 'greet.js'), greetingCode('Bye'));
  const after = await preparer(await loadRegistry([name]), folder)('greeter.greet', { name: 'Ann' });
  assert.notEqual(after.key, before.key);
  assert.equal(firstDifference(before.ingredients, after.ingredients), 'code of plugin greeter changed');

  writeTree(folder, { 'table.csv': 'bag,label,a\n1,0,2\n' });
  const { ingredients } = await prepare('mil.import', { table: 'table.csv' });
  assert.deepEqual(Object.keys(ingredients), ['activity', 'version', 'name', 'with', 'inputs', 'hidden']);
});

test('training and evaluation with a model of a plugin have its code in their key; with a built-in model they do not', async (context) => {
  const folder = temporaryFolder(context);
  const list = ['a', 'b'].map(
    (key) => `${JSON.stringify({ key, fields: {}, status: 'done', outputs: {} })}\n`,
  );
  const splits = formatSplits({
    splits: 1,
    scheme: 'file',
    seed: 0,
    endpoint: 'classification' as const,
    classes: ['x', 'y'],
    labels: { a: 0, b: 1 },
    repeats: [{ repeat: 0, seed: 0, folds: [{ fold: 0, train: ['a'], val: [], test: ['b'] }] }],
  });
  writeTree(folder, { 'splits.json': splits, 'items.jsonl': list.join('') });
  const bags = { items: { path: 'items.jsonl', digest: digestOf(list.join('')), bytes: 1 }, count: 2 };
  const prepare = preparer(await loadRegistry([LAB_MODEL]), folder);
  const codeOf = async (uses: string, parameters: JsonObject) =>
    Object.keys(
      (
        await prepare(uses, {
          ...(uses === 'mil.heatmap' ? {} : { bags }),
          splits: 'splits.json',
          ...parameters,
        })
      ).ingredients.code ?? {},
    );
  const fold = { repeat: 0, fold: 0 };
  assert.deepEqual(await codeOf('mil.train-fold', { model: 'lab-power-mean', ...fold }), ['lab']);
  assert.deepEqual(await codeOf('mil.train-fold', { model: 'abmil', ...fold }), []);

  for (const [model, expected] of [
    ['lab-power-mean', ['lab']],
    ['abmil', []],
  ] as const) {
    for (const end of ['safetensors', 'pt']) {
      const checkpoint = `${model}.${end}`;
      const config = {
        model,
        dim: 1,
        embedDim: 1,
        attentionDim: 1,
        outputs: 2,
        endpoint: 'classification' as const,
        dropout: 0,
        options: {},
      };
      const weights = {
        config,
        target: { endpoint: 'classification' as const, classes: ['a', 'b'] },
        groupFeatures: true,
        weights: {},
        training: {},
      };
      writeCheckpoint(join(folder, checkpoint), weights, []);
      assert.deepEqual(await codeOf('mil.evaluate', { checkpoint }), expected, checkpoint);
      const outputs = {
        checkpoint: { path: checkpoint, digest: digestOf(readFileSync(join(folder, checkpoint))), bytes: 1 },
      };
      const items = `${JSON.stringify({ key: 'a', fields: {}, status: 'done', outputs })}\n`;
      writeTree(folder, { 'checkpoints.jsonl': items, 'slide.svs': '', 'bag.h5': '' });
      const checkpoints = {
        items: { path: 'checkpoints.jsonl', digest: digestOf(items), bytes: 1 },
        count: 1,
      };
      const heatmap = { slide: 'slide.svs', bag: 'bag.h5' };
      assert.deepEqual(await codeOf('mil.heatmap', { ...heatmap, checkpoint }), expected, checkpoint);
      assert.deepEqual(await codeOf('mil.heatmap', { ...heatmap, checkpoints }), expected, checkpoint);
    }
  }
});

function preparer(
  registry: Registry,
  work: string,
): (uses: string, parameters: JsonObject) => ReturnType<typeof prepareStep> {
  const engine = new EngineContext(registry);
  return (uses, parameters) => {
    const step = { work, base: work, item: 'item', single: true, with: parameters };
    return prepareStep(engine, registry.require(uses), step);
  };
}

test('a worker whose plugin is edited refuses to run the new code under the key of the old code', async (context) => {
  const folder = temporaryFolder(context);
  const name = writePluginPackage(join(folder, 'greeter'));
  const registry = await loadRegistry([name]);
  const engine = new EngineContext(registry);
  context.after(() => engine.close());
  writeFileSync(join(name, 'src', 'greet.js'), greetingCode('Bye'));
  const place = { run: 'run', work: folder, base: folder, stage: 'hello', item: 'hello', step: 'hello' };
  const right = { plan: { path: planPath(folder, 'run'), digest: '' }, lease: await leaseFor(folder) };
  const input = { ...place, ...right, single: true, folder: 'hello', with: { name: 'Ann' }, force: false };
  const attempt = {
    number: 1,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onLog: () => undefined,
  };
  await assert.rejects(runStep(engine, registry.require('greeter.greet'), input, attempt), {
    message: /the code of the plugin changed after this worker started/,
  });
});
