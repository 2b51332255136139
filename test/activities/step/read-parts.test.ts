import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { definition as heatmap } from '../../../activities/mil/heatmap.js';
import { definition as train } from '../../../activities/mil/train-fold.js';
import type { ActivityDefinition } from '../../../activities/define/define-activity.js';
import { placeParts, readParts, type ReadParts } from '../../../activities/step/read-parts.js';
import { resolveWith } from '../../../activities/step/resolve-with.js';
import { digestOf } from '../../../domain/digest.js';
import { digestOfPart } from '../../../domain/engine/store/read-part.js';
import type { InputFile } from '../../../domain/job.js';
import type { JsonObject } from '../../../domain/json.js';
import { listBags } from '../../../domain/mil/bags/bags.js';
import { readSplits } from '../../../domain/mil/split/splits.js';
import { run as runTraining } from '../../../domain/mil/train-fold/train-fold.js';
import { makeCohort, makeJob, trainWith, type Cohort } from '../../domain/mil/cohort.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

function fileOf(path: string): InputFile {
  return { path, digest: digestOf(readFileSync(path)), name: 'file' };
}

/** The parts that a step of the cohort reads; `inputs` are given as files. */
async function partsOf(
  definition: ActivityDefinition,
  { work }: Cohort,
  parameters: JsonObject,
  inputs: Record<string, string>,
  item = 'cell',
): Promise<ReadParts> {
  const refs = Object.entries(inputs).map(([name, path]) => [name, { path, digest: '', bytes: 1 }] as const);
  const resolved = resolveWith(definition, { ...parameters, ...Object.fromEntries(refs) });
  const files = Object.fromEntries(Object.entries(inputs).map(([name, path]) => [name, fileOf(path)]));
  return readParts(definition, resolved, files, { work, item });
}

const FOLD = { repeat: 0, fold: 0, model: 'abmil' };

function setUp(context: TestContext) {
  const cohort = makeCohort(temporaryFolder(context));
  const inputs = { bags: cohort.bags.path, splits: cohort.splits.path };
  const [fold] = readSplits(cohort.splits.path).repeats[0].folds;
  return { cohort, inputs, fold };
}

test('a training gets no bag and no slide name that its key does not cover', async (context) => {
  const { cohort, inputs, fold } = setUp(context);
  const parts = await partsOf(train, cohort, FOLD, inputs);
  const scratch = temporaryFolder(context);
  const whole = { bags: { ...cohort.bags }, splits: { ...cohort.splits }, epochs: 3 };
  const placed = placeParts(whole, parts, scratch) as JsonObject & { bags: InputFile; splits: InputFile };
  assert.equal(placed.epochs, 3);
  const read = [...fold.train, ...fold.val].sort();
  assert.deepEqual(listBags(placed.bags.path, cohort.work).map(({ key }) => key), read); // prettier-ignore
  const text = readFileSync(placed.splits.path, 'utf8');
  assert.deepEqual(fold.test.filter((key) => text.includes(key)), []); // prettier-ignore
  assert.deepEqual(readSplits(placed.splits.path).repeats[0].folds, [{ ...fold, test: [] }]);
});

test('a training on its part of the inputs gives the bytes of one on the whole inputs', async (context) => {
  const { cohort, inputs, fold } = setUp(context);
  const parts = await partsOf(train, cohort, FOLD, inputs);
  const bytes = async (given: Partial<ReturnType<typeof trainWith>>) => {
    const job = makeJob(temporaryFolder(context), cohort.work, trainWith(cohort, { epochs: 2, ...given }));
    return readFileSync((await runTraining(job)).files.checkpoint.from);
  };
  const placed = placeParts(
    { bags: { ...cohort.bags }, splits: { ...cohort.splits } },
    parts,
    temporaryFolder(context),
  );
  const own = await bytes(placed);
  assert.deepEqual(own, await bytes({}));
  const text = own.toString('latin1');
  assert.deepEqual(fold.test.filter((key) => text.includes(key)), []); // prettier-ignore
});

test('the part of a training does not depend on fields, other outputs, reasons or other folds', async (context) => {
  const { cohort, inputs, fold } = setUp(context);
  const digests = async (given: Record<string, string>) => {
    const parts = await partsOf(train, cohort, FOLD, given);
    return Object.values(parts).map(digestOfPart);
  };
  const before = await digests(inputs);
  const lines = readFileSync(inputs.bags, 'utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as JsonObject & { key: string; outputs: JsonObject });
  const changed = [
    ...records
      .filter(({ key }) => !fold.test.includes(key))
      .map((record) => ({ ...record, fields: { age: '60' }, outputs: { ...record.outputs, count: 7 } })),
    { key: 'zz-broken', fields: {}, status: 'failed', reason: 'CorruptSlide', outputs: {} },
  ];
  const bags = join(cohort.work, 'changed.jsonl');
  writeFileSync(bags, changed.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const splits = join(cohort.work, 'changed.json');
  const other = readSplits(inputs.splits);
  other.repeats[0].folds = [{ ...fold, test: fold.test.slice(1) }];
  other.seed = 1;
  writeFileSync(splits, JSON.stringify(other));
  assert.deepEqual(await digests({ bags, splits }), before);
  other.repeats[0].folds = [{ ...fold, train: [...fold.train].reverse() }];
  writeFileSync(splits, JSON.stringify(other));
  assert.notDeepEqual(await digests({ bags, splits }), before, 'the order of training slides counts');
});

test('a heatmap reads the checkpoint of the fold that tests its slide, and no other', async (context) => {
  const { cohort, fold } = setUp(context);
  const text = readSplits(cohort.splits.path);
  text.repeats[0].folds = [fold, { fold: 1, train: fold.test, val: [], test: fold.train }];
  const splits = join(cohort.work, 'two.json');
  writeFileSync(splits, JSON.stringify(text));
  const checkpoints = join(cohort.work, 'train.jsonl');
  const trainAll = async (epochs: number[]) => {
    const lines = await Promise.all(
      epochs.map(async (count, number) => {
        const parameters = trainWith(cohort, {
          splits: fileOf(splits),
          fold: number,
          epochs: count,
          select: 'last',
        });
        const job = makeJob(temporaryFolder(context), cohort.work, parameters);
        const path = (await runTraining(job)).files.checkpoint.from;
        const checkpoint = { ...fileOf(path), bytes: 1 };
        return JSON.stringify({
          key: `abmil-0-${number}`,
          fields: {},
          status: 'done',
          outputs: { checkpoint },
        });
      }),
    );
    writeFileSync(checkpoints, lines.join('\n'));
  };
  const slide = join(cohort.work, cohort.keys[0]);
  writeFileSync(slide, '');
  const covers = async (key: string) => {
    const inputs = { checkpoints, splits, slide, bag: slide };
    const parts = await partsOf(heatmap, cohort, {}, inputs, key);
    return { checkpoints: parts.checkpoints.covers, splits: parts.splits.covers };
  };
  await trainAll([1, 1]);
  const [tested, trainedOn] = [fold.test[0], fold.train[0]];
  const first = [await covers(tested), await covers(trainedOn)];
  assert.deepEqual(Object.keys(first[0].checkpoints), ['checkpoint abmil-0-0']);
  assert.deepEqual(Object.keys(first[1].checkpoints), ['checkpoint abmil-0-1']);
  await trainAll([2, 1]);
  assert.notDeepEqual(await covers(tested), first[0]);
  assert.deepEqual(await covers(trainedOn), first[1]);
});

test('a part of an input that the step does not have breaks the contract', async (context) => {
  const { cohort, inputs } = setUp(context);
  const reads = () => Promise.resolve({ tables: { text: '', covers: {} } });
  const wrong: ActivityDefinition = { ...train, with: train.with, reads };
  await assert.rejects(partsOf(wrong, cohort, FOLD, inputs), {
    code: 'ContractBroken',
    message: /found tables/,
  });
});
