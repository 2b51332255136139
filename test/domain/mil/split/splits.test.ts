import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { referenceFolds } from '../../../../domain/mil/split/fold-assignment.js';
import { readLabels } from '../../../../domain/mil/labels/labels.js';
import { makeSplits, run } from '../../../../domain/mil/split/split.js';
import type { SplitWith } from '../../../../domain/mil/split/parameters.js';
import { PythonRandom } from '../../../../domain/mil/split/python-random.js';
import { checkSplits, readSplits, SET_NAMES, type Splits } from '../../../../domain/mil/split/splits.js';
import { digestOf } from '../../../../domain/digest.js';
import { hasCode, inputFile, makeJob, temporaryFolder, writeItems } from '../support.js';
import { checkout } from '../../../support/fixtures.js';
import { alternating, names, setUp } from './split-job.js';

const fixtures = join(checkout, 'test', 'fixtures');
const oracle = JSON.parse(readFileSync(join(fixtures, 'mil/splits.json'), 'utf8')) as {
  sets: Record<string, { sha16: string[]; sizes: number[]; first3: string[][] }>;
  shuffle_small: { n: number; seed: number; order: number[] }[];
};

function sha16(names: readonly string[]): string {
  return createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16);
}

test("Python's random.shuffle, to the number", () => {
  for (const { n, seed, order } of oracle.shuffle_small) {
    const list = Array.from({ length: n }, (_, i) => i);
    assert.deepEqual(new PythonRandom(seed).shuffle(list), order, `n ${n}, seed ${seed}`);
  }
  // python3 -c "import random; r = random.Random(2**40 + 7); print([r.getrandbits(32) for _ in range(3)])"
  const wide = new PythonRandom(2 ** 40 + 7);
  assert.deepEqual([wide.getrandbits(32), wide.getrandbits(32), wide.getrandbits(32)], WIDE_SEED);
});

for (const [name, expected] of Object.entries(oracle.sets)) {
  test(`the reference scheme reproduces the published lists: ${name}`, () => {
    const [file, folds, seed] = name.split(':');
    const table = readLabels(join(fixtures, 'labels', file));
    const labels = table.rows.map(({ label }) => label);
    const made = referenceFolds(labels, Number(folds), Number(seed));
    const lists = expected.sha16.map((_, fold) =>
      made.order.filter((_, i) => made.folds[i] === fold).map((row) => table.rows[row].name),
    );
    assert.deepEqual(
      lists.map((list) => list.slice(0, 3)),
      expected.first3,
    );
    assert.deepEqual(lists.map(sha16), expected.sha16);
  });
}

test('mil.split with scheme reference: three repeats of CAMELYON16 equal the published test lists', async (t) => {
  const labels = readFileSync(join(fixtures, 'labels/label_c16.csv'), 'utf8');
  const keys = labels
    .trim()
    .split('\n')
    .map((line) => line.split(',')[0]);
  const options = setUp(t, keys, labels, { scheme: 'reference', repeats: 3 });
  const job = makeJob(t, options);
  const result = await run(job);
  const splits = readSplits(result.files.splits.from);
  for (const { seed, folds } of splits.repeats) {
    const { sha16: expected, sizes } = oracle.sets[`label_c16.csv:3:${seed}`];
    assert.deepEqual(
      folds.map(({ test }) => sha16(test)),
      expected,
    );
    assert.deepEqual(
      folds.map(({ test }) => test.length),
      sizes,
    );
    assert.ok(folds.every(({ train, val, test }) => train.length + test.length === 398 && val.length === 0));
  }
  assert.equal(result.values?.digest, digestOf(readFileSync(result.files.splits.from)));
});

test('TCGA slides are matched to patients by part of their name, and patients stay together', (t) => {
  const labels = readFileSync(join(fixtures, 'labels/label_tcga_nsclc.csv'), 'utf8');
  const patients = labels
    .trim()
    .split('\n')
    .map((line) => line.split(',')[0]);
  const keys = patients.flatMap((name, i) => [
    `${name}-01Z-00-DX1`,
    ...(i % 3 === 0 ? [`${name}-01Z-00-DX2`] : []),
  ]);
  const options = setUp(t, keys, labels, { scheme: 'reference', folds: 5, match: 'contains' });
  const { splits } = makeSplits(options);
  assert.deepEqual(splits.classes, ['LUAD', 'LUSC']);
  const { folds } = splits.repeats[0];
  const found = folds.map(({ test }) => [...new Set(test.map((key) => key.slice(0, 12)))]);
  assert.deepEqual(found.map(sha16), oracle.sets['label_tcga_nsclc.csv:5:2021'].sha16);
  assert.equal(splits.groups?.[`${patients[0]}-01Z-00-DX2`], patients[0]);
});

test('given lists without train use all other bags, and an error names a patient in two sets', (t) => {
  const keys = names(6);
  const folder = temporaryFolder(t);
  const given = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return inputFile(join(folder, name));
  };
  const fold = { val: ['s02'], test: ['s00', 's01'] };
  const json = given('splits.json', JSON.stringify({ repeats: [{ folds: [fold] }] }));
  const rows = keys.map((key, i) => `${key},${i % 2},p${Math.floor(i / 2)}`).join('\n');
  const labels = `slide_id,label,patient\n${rows}\n`;
  const made = (splits: ReturnType<typeof given>, options: Partial<SplitWith> = {}) =>
    makeSplits(setUp(t, keys, labels, { splits, ...options })).splits;
  const { folds } = made(json, { groupColumn: 'none' }).repeats[0];
  assert.deepEqual(folds[0], { fold: 0, train: ['s03', 's04', 's05'], ...fold });
  const csv = given('splits.csv', 'fold,set,slide_id\n0,test,s00\n0,test,s01\n0,val,s02\n');
  assert.deepEqual(made(csv, { groupColumn: 'none' }).repeats[0].folds, folds);
  assert.throws(
    () => made(json),
    hasCode(
      'InvalidInput',
      /splits\.json.*patient "p1" leaks from train into val.*"s03" in train, "s02" in val/,
    ),
  );
});

test('stratified: classes and totals are balanced, sets are disjoint, each slide is tested once', (t) => {
  const keys = names(41);
  const rows = keys.map((key, i) => `${key},${i < 14 ? 'tumor' : 'normal'}`).join('\n');
  const { splits } = makeSplits(setUp(t, keys, rows, { repeats: 2, valRatio: 0.2 }));
  assert.deepEqual(splits.classes, ['normal', 'tumor']);
  for (const { folds } of splits.repeats) {
    const sizes = folds.map(({ test }) => test.length);
    const tumors = folds.map(({ test }) => test.filter((key) => splits.labels[key] === 1).length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `sizes ${sizes.join()}`);
    assert.ok(Math.max(...tumors) - Math.min(...tumors) <= 1, `tumors ${tumors.join()}`);
    assert.deepEqual(folds.flatMap(({ test }) => test).sort(), keys);
    for (const fold of folds) {
      assert.equal(new Set(SET_NAMES.flatMap((set) => fold[set])).size, 41);
      // 27 or 28 slides remain, 9 or 10 of them tumor. A fifth is 2 tumor and 4 normal slides.
      assert.equal(fold.val.filter((key) => splits.labels[key] === 1).length, 2);
      assert.equal(fold.val.filter((key) => splits.labels[key] === 0).length, 4);
    }
  }
  assert.notDeepEqual(splits.repeats[0].folds, splits.repeats[1].folds);
});

test('stratified: folds depend on the seed and not on file order, and repeat r uses seed + r', (t) => {
  const keys = names(24);
  const made = (rows: string, options: Partial<SplitWith>) =>
    makeSplits(setUp(t, keys, rows, options)).splits;
  const forward = made(alternating(keys), { repeats: 2 });
  const backward = made(alternating(keys).split('\n').reverse().join('\n'), { repeats: 2 });
  assert.deepEqual(forward, backward);
  assert.deepEqual(made(alternating(keys), { seed: 2022 }).repeats[0].folds, forward.repeats[1].folds);
});

test('stratified: patients stay together in all three sets, and classes stay balanced', (t) => {
  const keys = names(60);
  // Patients of 1 to 4 slides; a patient's slides share a label.
  const patient = (i: number) => Math.floor(i / 5) * 3 + [0, 1, 1, 2, 2][i % 5];
  const rows = keys.map((key, i) => `${key},P${patient(i)},${patient(i) % 2}`).join('\n');
  const options = { groupColumn: 'case_id', valRatio: 0.2, keyColumn: 'slide_id' };
  const { splits } = makeSplits(setUp(t, keys, `slide_id,case_id,label\n${rows}`, options));
  for (const fold of splits.repeats[0].folds) {
    const sets = SET_NAMES.map((set) => new Set(fold[set].map((key) => splits.groups![key])));
    assert.equal(sets[0].size + sets[1].size + sets[2].size, 36, 'no patient counts twice');
    assert.ok(fold.val.length >= 6 && fold.val.length <= 10, `${fold.val.length} of 40 validate`);
    const ones = fold.test.filter((key) => splits.labels[key] === 1).length;
    assert.ok(Math.abs(ones - 10) <= 2 && Math.abs(fold.test.length - 20) <= 2);
  }
});

test('a patient column is used automatically, and `none` disables it', (t) => {
  const keys = names(12);
  const rows = `slide_id,patient,label\n${keys.map((key, i) => `${key},P${i >> 1},${(i >> 1) % 2}`).join('\n')}`;
  assert.equal(makeSplits(setUp(t, keys, rows)).splits.groups?.s01, 'P0');
  assert.equal(makeSplits(setUp(t, keys, rows, { groupColumn: 'none' })).splits.groups, undefined);
});

test('an error names a patient that leaks into two sets', (t) => {
  const keys = names(12);
  const rows = `slide_id,patient,label\n${keys.map((key, i) => `${key},P${i >> 1},${i % 2}`).join('\n')}`;
  const options = setUp(t, keys, rows, { scheme: 'reference' });
  assert.throws(
    () => makeSplits(options),
    hasCode('InvalidInput', /repeat 0, fold \d.*patient "P\d" leaks from \w+ into \w+.*"s\d\d" in/),
  );
  const { splits } = makeSplits({ ...options, groupColumn: 'none' });
  const leaky: Splits = { ...splits, groups: { s00: 'A', s01: 'B' } };
  leaky.repeats[0].folds[0].train.push(leaky.repeats[0].folds[0].test[0]);
  assert.throws(
    () => checkSplits(leaky, 'f'),
    hasCode('InvalidInput', /"s\d\d" is in two sets.*train and test/),
  );
});

test('an error names slides without a label and labels without a slide', (t) => {
  const keys = names(12);
  const rows = alternating([...keys.slice(2), 'ghost_1', 'ghost_2']);
  const options = setUp(t, keys, rows);
  assert.throws(
    () => makeSplits(options),
    hasCode(
      'InvalidInput',
      /labels\.csv.*no label for 2 slides: s00, s01; no slide for 2 labels: ghost_1, ghost_2/,
    ),
  );
  const { splits, dropped } = makeSplits({ ...options, unmatched: 'drop' });
  assert.equal(Object.keys(splits.labels).length, 10);
  assert.deepEqual(dropped.map(({ name }) => name).sort(), ['ghost_1', 'ghost_2', 's00', 's01']);
});

test('skipped or failed slides are omitted with their reason', (t) => {
  const keys = names(12);
  const options = setUp(t, keys, alternating(keys));
  const records = keys.map((key, i) =>
    i === 3 ? { key, status: 'skipped' as const, reason: 'no_tissue' } : { key },
  );
  writeItems(options.bags.path, records);
  const { splits, dropped } = makeSplits(options);
  assert.equal(splits.labels.s03, undefined);
  assert.deepEqual(dropped, [{ name: 's03', reason: 'no_tissue' }]);
});

test('labels with file extensions and custom column names are accepted', (t) => {
  const keys = names(12);
  const rows = keys.map((key, i) => `${key}.svs,${i % 2 ? 'yes' : 'no'},x`).join('\n');
  const options = setUp(t, keys, `Image,Metastasis,note\n${rows}`, {
    keyColumn: 'image',
    labelColumn: 'metastasis',
  });
  assert.deepEqual(makeSplits(options).splits.classes, ['no', 'yes']);
  const turned = makeSplits({ ...options, classes: ['yes', 'no'] }).splits;
  assert.equal(turned.labels.s01, 0);
});

test('errors in labels files name file, line and cause', (t) => {
  const keys = names(6);
  const refused = (rows: string, message: RegExp, options: Partial<SplitWith> = {}) => {
    const set = setUp(t, keys, rows, options);
    assert.throws(() => makeSplits(set), hasCode('InvalidInput', message));
  };
  refused('', /labels\.csv.*has no rows/);
  refused('s00\ns01', /name and a label/);
  refused('s00,0\ns01,\n', /labels\.csv:2: 1 row has no label.*line 2 "s01"/);
  refused('s00,0\ns01,1\ns00,1\n', /labels\.csv:3.*"s00" has two labels.*lines 1 and 3/);
  refused(keys.map((key) => `${key},0`).join('\n'), /only one class.*found 0/);
  refused('slide_id,label\ns00,0\n', /no column "patient".*`group-column`.*columns slide_id, label/, {
    groupColumn: 'patient',
  });
  refused('slide_id,label,Patient\ns00,0,P1\n', /Next: set `group-column` to "Patient"/, {
    groupColumn: 'PatientID',
  });
  refused('slide_id,label,MRN\ns00,0,P1\n', /Next: set `group-column` to "MRN"/, {
    groupColumn: 'case number',
  });
  refused(alternating(keys), /labels\.csv:2.*not one of `classes`.*found "1" in 3 rows/, {
    classes: ['0', '2'],
  });
  refused(alternating(keys), /class "0" is too small for 4 folds.*found 3/, { folds: 4 });
  const mistyped = `${alternating(keys.slice(1))}\ns00,O`;
  refused(mistyped, /class "O" is too small for 3 folds.*found 1.*classes are 0, 1, O\)/, {
    scheme: 'reference',
  });
  // A header with unknown names is read as a row. With `drop` it would form a third class.
  refused(`probe,kind\n${alternating(keys)}`, /labels\.csv:1: class "kind" has no slides.*`label-column`/, {
    unmatched: 'drop',
    scheme: 'reference',
  });
  refused(`slide,kind\n${alternating(keys)}`, /no label column.*columns slide, kind.*set `label-column`/);
  refused('s00,0,P1\ns01,1,P2', /need a name and a label.*found s00,0,P1/);
  const named = (a: string, b: string) => keys.map((key, i) => `${key},${i % 2 ? a : b}`).join('\n');
  refused(
    named('cancer', 'normal'),
    /"normal" would be scored as the positive class.*classes: \[normal, cancer\]/,
  );
  const set = setUp(t, keys, named('cancer', 'normal'), { classes: ['normal', 'cancer'] });
  assert.equal(makeSplits(set).splits.labels.s01, 1);
  assert.deepEqual(makeSplits(setUp(t, keys, named('tumor', 'normal'))).splits.classes, ['normal', 'tumor']);
});

test('given splits are used with their digest, as JSON and as CSV', (t) => {
  const keys = names(12);
  const options = setUp(t, keys, alternating(keys));
  const folds = [0, 1].map((fold) => ({
    fold,
    train: keys.filter((_, i) => i >> 1 !== fold),
    test: keys.filter((_, i) => i >> 1 === fold),
  }));
  const json = join(options.labels.path, '../given.json');
  writeFileSync(json, JSON.stringify({ repeats: [{ folds }] }));
  const given = makeSplits({ ...options, splits: inputFile(json) }).splits;
  assert.equal(given.scheme, 'file');
  assert.equal(given.source, inputFile(json).digest);
  assert.deepEqual(given.repeats[0].folds[1], { ...folds[1], val: [] });

  const csv = join(options.labels.path, '../given.csv');
  const rows = folds.flatMap(({ fold, train, test }) => [
    ...train.map((key) => `${fold},train,${key}`),
    ...test.map((key) => `${fold},test,${key}`),
  ]);
  writeFileSync(csv, ['fold,set,slide_id', ...rows].join('\n'));
  assert.deepEqual(makeSplits({ ...options, splits: inputFile(csv) }).splits.repeats, given.repeats);
});

test('given splits: unknown names, wrong structures and invalid rows are rejected', (t) => {
  const keys = names(12);
  const options = setUp(t, keys, alternating(keys));
  const refused = (file: string, text: string, message: RegExp) => {
    const path = join(options.labels.path, '..', file);
    writeFileSync(path, text);
    assert.throws(
      () => makeSplits({ ...options, splits: inputFile(path) }),
      hasCode('InvalidInput', message),
    );
  };
  const fold = (train: string[], test: string[]) =>
    JSON.stringify({ repeats: [{ folds: [{ train, test }] }] });
  refused('a.json', fold(['s00', 'nobody'], ['s01']), /names unknown slides.*1: nobody/);
  refused('b.json', fold(['s00'], ['s00']), /"s00" is in two sets/);
  refused('c.json', fold(['s00'], []), /test set is empty/);
  refused('h.json', fold(['s02'], ['s00', 's00']), /"s00" is twice in the test set/);
  const folds = [0, 0].map((number) => ({ fold: number, train: ['s00'], test: ['s01'] }));
  refused('i.json', JSON.stringify({ repeats: [{ folds }] }), /repeat 0\).*fold 0 is defined twice/);
  refused('d.json', '{"repeats": [{}]}', /`repeats\.0` requires the key `folds`/);
  refused('e.json', '{', /cannot be read/);
  refused('j.json', '{"repeats": [{"folds": []}]}', /`repeats\.0\.folds`/);
  const valid = JSON.stringify({ repeats: [{ folds: [{ train: ['s00'], valid: ['s02'], test: ['s01'] }] }] });
  refused('k.json', valid, /has no key `valid`/);
  refused('l.csv', 'fold,set,slide_id\n-1,test,s00', /l\.csv:2/);
  refused('f.csv', 'fold,set,slide_id\n0,trian,s00', /f\.csv:2.*train, val or test/);
  refused('g.csv', 'fold,slide_id\n0,s00', /no column "set"/);
});

const WIDE_SEED = [2635837658, 3209733218, 3500038837];

test('reading a splits file that was edited by hand reports leaks and missing parts', (t) => {
  const keys = names(12);
  const rows = `slide_id,patient,label\n${keys.map((key, i) => `${key},P${i >> 1},${(i >> 1) % 2}`).join('\n')}`;
  const { splits } = makeSplits(setUp(t, keys, rows, { folds: 3 }));
  const path = join(temporaryFolder(t), 'splits.json');
  const refused = (edit: (copy: Splits & Record<string, unknown>) => void, message: RegExp) => {
    const copy = structuredClone(splits) as Splits & Record<string, unknown>;
    edit(copy);
    writeFileSync(path, JSON.stringify(copy));
    assert.throws(() => readSplits(path), hasCode('InvalidInput', message));
  };
  refused(({ repeats: [{ folds }] }) => {
    const moved = folds[0].test.pop()!;
    folds[0].train.push(moved);
  }, /repeat 0, fold 0\).*patient "P\d" leaks/);
  refused(
    ({ repeats: [{ folds }] }) => folds[1].test.push('ghost'),
    /fold 1\).*"ghost" of the test set has no label/,
  );
  refused((copy) => delete (copy as Partial<Splits>).labels, /the file requires the key `labels`/);
  refused((copy) => (copy.classes = [1, 2] as never), /`classes\.0` must be .*the number 1/);
  refused(
    ({ repeats }) => delete (repeats[0] as Partial<Splits['repeats'][0]>).folds,
    /`repeats\.0` requires the key `folds`/,
  );
  refused(
    ({ repeats: [{ folds }] }) => (folds[2].fold = '2' as never),
    /`repeats\.0\.folds\.2\.fold` must be /,
  );
  refused(
    ({ repeats: [{ folds }] }) => delete (folds[2] as Partial<Splits['repeats'][0]['folds'][0]>).val,
    /`repeats\.0\.folds\.2` requires the key `val`/,
  );
  refused((copy) => (copy.classes = ['a', 'a']), /class a is defined twice/);
  refused((copy) => (copy.repeats = []), /`repeats`/);
  refused((copy) => (copy.repeats[0].repeat = 1.5), /`repeats\.0\.repeat`.*1\.5/);
  refused(({ labels }) => (labels[keys[0]] = 0.5), /`labels\.s00`.*0\.5/);
  refused(({ labels }) => (labels[keys[0]] = 7), /"s00" .* has no label/);
  refused((copy) => (copy.splits = 2 as never), /version 1.*`splits` .*the number 2/);
});
