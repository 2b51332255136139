import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { digestOf } from '../../../../domain/digest.js';
import { writeFeatures, writeSamInfo } from '../../../../domain/pathology/layouts/bag-files.js';
import { writePt } from '../../../../domain/files/torch/torch-pt.js';
import { TaskThread } from '../../../../domain/machine/threads/task-thread.js';
import { BagCache } from '../../../../domain/mil/bags/bag-cache.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { mixedEncoders } from '../../../../domain/mil/bags/bag-facts.js';
import { readItems } from '../../../../domain/engine/store/items.js';
import { bagOutputs, findBags, listBags, loadBag } from '../../../../domain/mil/bags/bags.js';
import { measure, standardized } from '../../../../domain/mil/bags/standardize.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeCohort } from '../cohort.js';

test('bags are the finished items with features, and an error names a finished item without them', (t) => {
  const cohort = makeCohort(temporaryFolder(t), 4);
  const skipped = { key: 'white', fields: {}, status: 'skipped', reason: 'no_tissue', outputs: {} };
  appendFileSync(cohort.bags.path, `${JSON.stringify(skipped)}\n`);
  const entries = listBags(cohort.bags.path, cohort.work);
  assert.deepEqual(
    entries.map(({ key }) => key),
    cohort.keys,
  );
  assert.equal(entries[0].features, join(cohort.work, 'bags/slide-00.h5'));
  const lines = readFileSync(cohort.bags.path, 'utf8');
  const plain = { ...skipped, key: 'plain', status: 'done', outputs: { bag: { path: 'bags/slide-00.h5' } } };
  writeFileSync(cohort.bags.path, `${lines}${JSON.stringify(plain)}\n`);
  assert.throws(
    () => listBags(cohort.bags.path, cohort.work),
    { code: 'InvalidInput', message: /item "plain" has no features/ },
    'a path without a digest would not be in the cache key',
  );
  writeFileSync(cohort.bags.path, lines);
  appendFileSync(cohort.bags.path, `${JSON.stringify({ ...skipped, key: 'bare', status: 'done' })}\n`);
  assert.throws(() => listBags(cohort.bags.path, cohort.work), {
    code: 'InvalidInput',
    message: /item "bare" has no features/,
  });
});

test('of several bags of an item, those of one encoder are selected by its name or file', (t) => {
  const cohort = makeCohort(temporaryFolder(t), 3);
  const items = readFileSync(cohort.bags.path, 'utf8').trim().split('\n');
  const relabeled = items.map((line) => {
    const { outputs, ...item } = JSON.parse(line) as { outputs: Record<string, unknown> };
    const { bag, ...others } = outputs;
    return JSON.stringify({
      ...item,
      outputs: { ...others, 'bag-uni': bag, 'bag-pt-uni': bag, 'bag-ours': bag },
    });
  });
  const before = listBags(cohort.bags.path, cohort.work);
  writeFileSync(cohort.bags.path, `${relabeled.join('\n')}\n`);
  assert.deepEqual(listBags(cohort.bags.path, cohort.work, 'uni'), before);
  assert.deepEqual(listBags(cohort.bags.path, cohort.work, 'encoders/ours.yaml'), before);
  assert.deepEqual(findBags(readItems(cohort.bags.path), cohort.work), before, 'a split needs no encoder');
  assert.deepEqual(bagOutputs('encoders/ours.yaml'), ['bag-ours', 'bag-pt-ours', 'sam-info']);
  for (const encoder of [undefined, 'plip']) {
    assert.throws(() => listBags(cohort.bags.path, cohort.work, encoder), {
      code: 'InvalidInput',
      message: /expected `encoder`: uni or ours; found (plip|no `encoder`)/,
    });
  }
});

test('bags of different encoders, weights or precisions are described', (t) => {
  const folder = temporaryFolder(t);
  const bag = (key: string, attributes: Record<string, string | number>) => {
    const features = join(folder, `${key}.h5`);
    const one = { features: new Float32Array(2), dim: 2, coords: Int32Array.of(0, 0) };
    writeFeatures(features, one, attributes);
    return { key, features };
  };
  const plain = bag('a', { encoder: 'uni', encoder_weights: 'x' });
  const half = bag('b', { encoder: 'uni', encoder_weights: 'x', encoder_precision: 'fp16' });
  const other = bag('c', { encoder: 'plip', encoder_weights: 'x' });
  const unknown = bag('d', {});
  assert.deepEqual(mixedEncoders([plain, plain, unknown]), []);
  assert.match(
    mixedEncoders([plain, half]).join(),
    /differ in encoder precision: fp32 \(such as a\), fp16 \(such as b\)/,
  );
  assert.match(
    mixedEncoders([plain, other]).join(),
    /differ in encoder: uni \(such as a\), plip \(such as c\)/,
  );
});

test('group rows are kept or omitted, based on sam_info or coords', (t) => {
  const cohort = makeCohort(temporaryFolder(t), 2);
  const [entry] = listBags(cohort.bags.path, cohort.work);
  const all = loadBag(entry, { groupFeatures: true });
  const patches = loadBag(entry, { groupFeatures: false });
  assert.equal(all.rows, patches.rows + 2);
  assert.deepEqual(patches.features, all.features.subarray(0, patches.rows * all.dim));
  assert.ok(patches.isGroup.every((flag) => flag === 0));
  assert.ok(new Set(all.area).size > 3);
  const guessed = loadBag({ features: entry.features }, { groupFeatures: true });
  assert.deepEqual(guessed.isGroup, all.isGroup);
  assert.deepEqual(new Set(guessed.area), new Set([0, 1]));
});

test('a bag whose files changed after publication is rejected', (t) => {
  const cohort = makeCohort(temporaryFolder(t), 2);
  const [one, two] = listBags(cohort.bags.path, cohort.work);
  assert.ok(loadBag(one, { groupFeatures: true }).rows > 0);
  const changed = { code: 'OutputDamaged', message: /changed after the step that made it/ };
  writeFileSync(one.features, readFileSync(two.features));
  assert.throws(() => loadBag(one, { groupFeatures: true }), changed, 'another slide, whole and valid');
  appendFileSync(two.samInfo ?? '', 'x');
  assert.throws(() => loadBag(two, { groupFeatures: true }), changed, 'its sam_info');
});

test('an error names files that do not fit together', (t) => {
  const folder = temporaryFolder(t);
  const h5 = join(folder, 'a.h5');
  const info = join(folder, 'a.sam.h5');
  writeFeatures(h5, { features: new Float32Array(6).fill(1), dim: 3, coords: Int32Array.of(0, 0, 5, 5) });
  const areas = { isGroupFeat: new Uint8Array(2), relativeArea: new Float32Array(2).fill(1) };
  const options = { groupFeatures: true };
  writeSamInfo(info, { coords: Int32Array.of(0, 0, 5, 6), ...areas });
  assert.throws(() => loadBag({ features: h5, samInfo: info }, options), {
    code: 'InvalidInput',
    message: /a\.sam\.h5: the sam_info file belongs to another features file/,
  });
  const one = {
    coords: Int32Array.of(0, 0),
    isGroupFeat: new Uint8Array(1),
    relativeArea: new Float32Array(1),
  };
  writeSamInfo(info, one);
  assert.throws(() => loadBag({ features: h5, samInfo: info }, options), {
    code: 'CountMismatch',
    message: /expected 2 rows.*found 1 rows/,
  });
  const groups = join(folder, 'g.h5');
  writeFeatures(groups, { features: new Float32Array(3), dim: 3, coords: Int32Array.of(-1, -1) });
  assert.equal(loadBag({ features: groups }, options).rows, 1, 'group rows alone are a bag');
  assert.throws(() => loadBag({ features: groups }, { groupFeatures: false }), {
    code: 'InvalidInput',
    message: /holds no instance.*all of them group features/,
  });
});

test('a .pt file can be a bag', (t) => {
  const path = join(temporaryFolder(t), 'a.pt');
  writePt(path, { tensor: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } });
  const bag = loadBag({ features: path }, { groupFeatures: true });
  assert.deepEqual([bag.rows, bag.dim, ...bag.features], [2, 3, 1, 2, 3, 4, 5, 6]);
  writePt(path, { tensor: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, NaN) } });
  assert.throws(
    () => loadBag({ features: path }, { groupFeatures: true }),
    /not finite.*NaN in row 0, column 1/,
  );
  writePt(path, { tensor: { dtype: 'int32', shape: [1, 2], data: Int32Array.of(1, 2) } });
  assert.throws(
    () => loadBag({ features: path }, { groupFeatures: true }),
    /wrong element type.*found int32/,
  );
});

test('a .pt file takes its coords and groups from its sam_info', (t) => {
  const folder = temporaryFolder(t);
  const [path, info] = [join(folder, 'a.pt'), join(folder, 'a.sam.h5')];
  writePt(path, { tensor: { dtype: 'float32', shape: [3, 1], data: Float32Array.of(1, 2, 3) } });
  const coords = Int32Array.of(0, 0, -1, -1, 256, 0);
  const groups = { isGroupFeat: Uint8Array.of(0, 1, 0), relativeArea: Float32Array.of(5, 0, 7) };
  writeSamInfo(info, { coords, ...groups });
  const all = loadBag({ features: path, samInfo: info }, { groupFeatures: true });
  assert.deepEqual(
    [...all.features, ...all.coords, ...all.isGroup, ...all.area],
    [...[1, 2, 3], ...coords, ...[0, 1, 0], ...[5, 0, 7]],
  );
  const patches = loadBag({ features: path, samInfo: info }, { groupFeatures: false });
  assert.deepEqual(
    [...patches.features, ...patches.coords, ...patches.isGroup, ...patches.area],
    [...[1, 3], ...[0, 0, 256, 0], ...[0, 0], ...[5, 7]],
  );
  writePt(path, { tensor: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 2) } });
  assert.throws(() => loadBag({ features: path, samInfo: info }, { groupFeatures: true }), {
    code: 'CountMismatch',
    message: /expected 2 rows.*found 3 rows/,
  });
});

/** The promises that a spied method returned. */
function answers({ mock }: { mock: { calls: readonly { result?: unknown }[] } }): Promise<unknown[]> {
  return Promise.all(mock.calls.map(({ result }) => Promise.resolve(result)));
}

describe('the cache of bags', () => {
  before(() => openBackend('tensorflow'));

  test('keeps the first bags that fit, and each other bag until the next one', (t) => {
    const cohort = makeCohort(temporaryFolder(t), 6);
    const entries = listBags(cohort.bags.path, cohort.work);
    const cache = new BagCache(entries, { groupFeatures: true, limit: 3 * 32 * 24 * 4 });
    const start = tf.memory().numTensors;
    for (const key of [...cohort.keys, ...cohort.keys]) {
      const bag = cache.get(key);
      assert.equal(bag.x.shape[0], bag.rows);
      assert.ok(tf.memory().numTensors - start <= 5, 'bags beyond the limit are released');
    }
    const tiny = new BagCache(entries, { groupFeatures: true, limit: 0 });
    assert.equal(tiny.get(cohort.keys[1]).x.isDisposed, false);
    tiny.dispose();
    cache.dispose();
    assert.equal(tf.memory().numTensors, start);
  });

  test('reads bags ahead on a thread, and reports an unreadable bag when the walk reaches it', async (t) => {
    const cohort = makeCohort(temporaryFolder(t), 4);
    const entries = listBags(cohort.bags.path, cohort.work);
    const plain = new BagCache(entries, { groupFeatures: true });
    const expected = cohort.keys.slice(0, 3).map((key) => plain.get(key));
    appendFileSync(entries[3].features, 'x');
    const ahead = new BagCache(entries, { groupFeatures: true, limit: 0, worthAThread: 0 });
    const asked = t.mock.method(TaskThread.prototype, 'run');
    const items = cohort.keys.map((key, label) => ({ key, label }));
    const walk = ahead.walk(items);
    for (const [i, { x, ...facts }] of expected.entries()) {
      const { value } = await walk.next();
      assert.ok(value);
      assert.deepEqual({ key: value.key, label: value.label }, items[i]);
      assert.deepEqual(value.bag.x.dataSync(), x.dataSync());
      assert.deepEqual({ ...value.bag, x: 0 }, { ...facts, x: 0 });
      await answers(asked);
      assert.equal(
        asked.mock.callCount(),
        i + 2,
        'the two that come next; the last one failed and is asked for again',
      );
      // A bag that was read ahead no longer needs its file.
      for (const { features } of entries.slice(i + 1, Math.min(i + 3, 3))) rmSync(features, { force: true });
    }
    await assert.rejects(walk.next(), { message: /changed after the step that made it/ });
    plain.dispose();
    ahead.dispose();
  });

  test('reads the first bags of the next walk ahead, including missing ones, and can be disposed meanwhile', async (t) => {
    const cohort = makeCohort(temporaryFolder(t), 4);
    const items = cohort.keys.map((key) => ({ key }));
    const asked = t.mock.method(TaskThread.prototype, 'run');
    const options = { groupFeatures: true, limit: 0, worthAThread: 0 };
    const entries = listBags(cohort.bags.path, cohort.work);
    const cache = new BagCache(entries, options);
    rmSync(entries[1].features);
    const walked: string[] = [];
    for await (const { key } of cache.walk(items.slice(0, 1), items.slice(1))) walked.push(key);
    assert.deepEqual(walked, [cohort.keys[0]]);
    assert.equal(asked.mock.callCount(), 2);
    cache.dispose();
    const results = await answers(asked);
    assert.deepEqual(results, [undefined, undefined]);
  });

  test('rejects features of different lengths', (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeCohort(folder, 2);
    mkdirSync(join(folder, 'other'));
    const features = join(folder, 'other', 'b.h5');
    writeFeatures(features, { features: new Float32Array(5), dim: 5, coords: Int32Array.of(0, 0) });
    const digest = digestOf(readFileSync(features));
    const entries = [...listBags(cohort.bags.path, cohort.work), { key: 'b', features, digest }];
    const cache = new BagCache(entries, { groupFeatures: true });
    cache.get(cohort.keys[0]);
    assert.throws(() => cache.get('b'), {
      code: 'CountMismatch',
      message: /expected 24 numbers per row; found 5/,
    });
    assert.throws(() => cache.get('c'), { code: 'InvalidInput', message: /bag "c" of the splits/ });
    cache.dispose();
  });

  test('standardizes with the statistics of the given bags', (t) => {
    const cohort = makeCohort(temporaryFolder(t), 4);
    const cache = new BagCache(listBags(cohort.bags.path, cohort.work), { groupFeatures: true });
    cache.standardizeBy(cohort.keys.slice(0, 2));
    const rows = cohort.keys.slice(0, 2).map((key) => cache.get(key).x);
    const { mean, variance } = tf.tidy(() => tf.moments(tf.concat(rows), 0));
    assert.ok(mean.dataSync().every((value) => Math.abs(value) < 1e-5));
    assert.ok(variance.dataSync().every((value) => Math.abs(value - 1) < 1e-4));
    tf.dispose([mean, variance]);
    cache.dispose();
  });
});

test('a constant feature is only shifted', () => {
  const values = Float32Array.of(1e6, 2, 1e6, 4);
  const scale = measure([values], 2);
  assert.deepEqual([...standardized(values, scale)], [0, -1, 0, 1]);
});

test('an error names the damaged line of an items file', (t) => {
  const path = join(temporaryFolder(t), 'items.jsonl');
  writeFileSync(path, '{"key":"a","status":"done","outputs":{}}\nnonsense\n');
  assert.throws(() => listBags(path, '/'), { code: 'InvalidInput', message: /items\.jsonl:2/ });
});
