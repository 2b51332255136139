import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EngineContext } from '../../../activities/step/engine-context.js';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import type { ItemRecord } from '../../../domain/job.js';
import { readCsv } from '../../../domain/files/csv.js';
import type { Json, JsonObject } from '../../../domain/json.js';
import { leaseFor } from '../../support/lease.js';
import { eventually, outputDigests } from '../../support/processes.js';
import { scratchFolder } from '../../support/scratch-folder.js';
import { newEngine, StepChain, type ChainStep } from '../../support/step-chain.js';

/*
 * Every activity is cut off before it writes (SIGSTOP of its child process), replaced, and woken when the
 * newer attempt has published. `old` and `new` are parameters that give different outputs under the same
 * names.
 */
interface Case {
  with: JsonObject;
  old: JsonObject;
  new: JsonObject;
}

const work = scratchFolder();
const elsewhere = scratchFolder();
let chain: StepChain;
let cases: Record<string, Case>;

before(async () => {
  chain = await StepChain.open(work);
  cases = await makeCases();
});
after(() => chain.engine.close());

const NAMES = (await loadRegistry()).names;

describe('an attempt that was cut off and wakes late leaves the newer outputs and receipts', () => {
  test('every shipped activity has a case', () => {
    assert.deepEqual(Object.keys(cases).sort(), [...NAMES].sort());
  });

  for (const uses of NAMES) {
    test(`${uses}, replaced by another attempt`, async (context) => {
      const late = await freeze(uses, 'retry');
      context.after(() => late.engine.close());
      const newer = await chain.run(stepOf(uses, 'retry', 'new'));
      assert.equal(newer.how, 'done');
      await refused(late, 'Superseded');
    });

    test(`${uses}, replaced by another run that finds its outputs up to date`, async (context) => {
      await chain.run(stepOf(uses, 'replace', 'new'));
      const late = await freeze(uses, 'replace');
      context.after(() => late.engine.close());
      chain.lease = await leaseFor(work, 'newer');
      const newer = await chain.run(stepOf(uses, 'replace', 'new'));
      assert.equal(newer.how, 'cached');
      await refused(late, 'TakenOver');
    });
  }
});

interface Late {
  engine: EngineContext;
  pid: number;
  attempt: Promise<unknown>;
}

function stepOf(uses: string, stage: string, which: 'old' | 'new'): ChainStep {
  const { with: common, ...own } = cases[uses];
  return { uses, stage: `${stage}-${uses.split('.')[1]}`, item: 'one', with: { ...common, ...own[which] } };
}

/** Starts an attempt on a worker whose child process stops before it does anything. */
async function freeze(uses: string, stage: string): Promise<Late> {
  const engine = await newEngine();
  const attempt = chain.run(stepOf(uses, stage, 'old'), engine);
  attempt.catch(() => undefined);
  await eventually('the child process starts', () => engine.pool.pids.length > 0);
  const [pid] = engine.pool.pids;
  process.kill(pid, 'SIGSTOP');
  return { engine, pid, attempt };
}

async function refused({ pid, attempt }: Late, code: string): Promise<void> {
  const state = () => ({ ...outputDigests(work), ...receipts(), ...outputDigests(elsewhere) });
  const before = state();
  process.kill(pid, 'SIGCONT');
  await assert.rejects(attempt, { code });
  assert.deepEqual(state(), before);
}

function receipts(): Record<string, string> {
  const digests = outputDigests(join(work, '.receipts'));
  return Object.fromEntries(Object.entries(digests).map(([path, digest]) => [`.receipts/${path}`, digest]));
}

async function makeCases(): Promise<Record<string, Case>> {
  const cohort = {
    uses: 'pathology.assemble-cohort',
    stage: 'cohort',
    with: { patches: 'data/cohort', grid: 4 },
  };
  const { table } = await chain.outputs({ ...cohort, with: { ...cohort.with, slides: 4 } });
  const labels = table as JsonObject & { path: string };
  const bags: ItemRecord[] = [];
  let slide: JsonObject = {};
  for (const { values } of readCsv(join(work, labels.path), { header: true }).rows) {
    const path = join(work, 'cohort', values.path);
    const item = values.slide_id;
    const patched = await chain.outputs({
      ...{ uses: 'pathology.patch', stage: 'patch', item },
      with: { slide: path, preset: 'bwh_biopsy', 'patch-size': 128 },
    });
    const given = { slide: path, patches: patched.patches };
    const bag = await chain.outputs({
      ...{ uses: 'pathology.extract', stage: 'extract', item },
      with: { ...given, encoder: 'stain-texture' },
    });
    slide = { ...given, ...bag };
    bags.push({ key: item, fields: {}, status: 'done', outputs: { bag: bag.bag, label: values.label } });
  }
  return { ...pathologyCases(slide), ...(await milCases(slide, chain.items('bags', bags), labels)) };
}

function pathologyCases({ slide, patches, bag }: JsonObject): Record<string, Case> {
  return {
    'pathology.assemble-cohort': {
      with: { patches: 'data/cohort', grid: 4, slides: 2 },
      old: { seed: 1 },
      new: { seed: 2 },
    },
    'pathology.patch': {
      with: { slide, preset: 'bwh_biopsy' },
      old: { 'patch-size': 64 },
      new: { 'patch-size': 128 },
    },
    'pathology.segment': {
      with: { slide, patches, segmenter: 'watershed', geojson: true },
      old: { regions: [20] },
      new: { regions: [40] },
    },
    'pathology.extract': {
      with: { slide, patches, encoder: 'stain-texture' },
      old: { 'target-size': 64 },
      new: { 'target-size': 128 },
    },
    'pathology.convert': {
      with: { features: bag, patches },
      old: { layout: 'trident', 'slide-magnification': 20 },
      new: { layout: 'clam' },
    },
  };
}

async function milCases(slide: JsonObject, bags: JsonObject, labels: Json): Promise<Record<string, Case>> {
  const split = { bags, labels, folds: 2 };
  const { splits } = await chain.outputs({ uses: 'mil.split', stage: 'split', with: split });
  const fold = { bags, splits, repeat: 0, fold: 0, model: 'abmil', epochs: 2, backend: 'js', 'embed-dim': 8 };
  const { checkpoint } = await chain.outputs({ uses: 'mil.train-fold', stage: 'train', with: fold });
  const other = { uses: 'mil.train-fold', stage: 'train-other', with: { ...fold, fold: 1 } };
  const { checkpoint: second } = await chain.outputs(other);
  const evaluation = { checkpoint, bags, splits, backend: 'js' };
  const evaluated = await chain.outputs({ uses: 'mil.evaluate', stage: 'evaluate', with: evaluation });
  const fields = { model: 'abmil', repeat: 0, fold: 0 };
  const cell: ItemRecord = { key: 'abmil-0-0', fields, status: 'done', outputs: evaluated };
  const tables = ['old', 'new'].map((name) => join(elsewhere, name, 'table.csv'));
  for (const path of tables) {
    mkdirSync(join(path, '..'));
    writeFileSync(path, `slide,label\n${path},0\n`);
  }
  return {
    'mil.import': {
      with: { table: 'data/mil/musk1.csv.gz' },
      old: { standardize: true },
      new: { standardize: false },
    },
    'mil.split': { with: split, old: { seed: 1 }, new: { seed: 2 } },
    'mil.train-fold': { with: fold, old: { seed: 1 }, new: { seed: 2 } },
    'mil.evaluate': { with: evaluation, old: { bootstrap: 10 }, new: { bootstrap: 20 } },
    'mil.import-checkpoint': { with: {}, old: { checkpoint }, new: { checkpoint: second } },
    'mil.predict': {
      with: { checkpoint, bags, backend: 'js' },
      old: { threshold: 0.4 },
      new: { threshold: 0.6 },
    },
    'mil.heatmap': {
      with: { slide: slide.slide, bag: slide.bag, checkpoint, backend: 'js', longest: 128 },
      old: { score: 'class-probability' },
      new: { score: 'attention' },
    },
    'pipeline.command': {
      with: { command: 'echo {params.who} > who.txt', shell: 'sh', outputs: { who: 'who.txt' } },
      old: { params: { who: 'old' } },
      new: { params: { who: 'new' } },
    },
    'pipeline.report': {
      with: { evaluations: chain.items('evaluations', [cell]) },
      old: { title: 'old' },
      new: { title: 'new' },
    },
    'pipeline.copy': {
      with: { to: join(elsewhere, 'copied'), overwrite: true },
      old: { files: [tables[0]] },
      new: { files: [tables[1]] },
    },
  };
}

test('the copied table is the newer one', () => {
  assert.match(readFileSync(join(elsewhere, 'copied', 'table.csv'), 'utf8'), /new/);
});
