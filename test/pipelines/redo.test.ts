import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { forecast } from '../../activities/engine/forecast.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { EngineContext } from '../../activities/step/engine-context.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { selectStages } from '../../domain/engine/language/select-stages.js';
import { readEvents } from '../../domain/engine/store/run-events.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';
import { TestEngine } from '../support/engine.js';
import { FeatureCohort, slideName } from '../support/feature-cohort.js';
import { outputDigests } from '../support/processes.js';
import { realPlan } from '../support/real-plan.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** Real conversion, split, trainings and evaluations of three folds. */
const PIPELINE = `
pipeline: 1
name: redo
on-failure: fail
params: { exclude: { type: path, default: null } }
stages:
  preprocess:
    foreach: { csv: slides.csv, as: slide, key: slide_id, exclude: '\${{ params.exclude }}' }
    uses: pathology.convert
    with: { features: "\${{ slide.path }}", patch-size-level0: 256 }
  split:
    uses: mil.split
    needs: preprocess
    with:
      bags: "\${{ needs.preprocess.items }}"
      labels: labels.csv
      splits: folds.json
      unmatched: drop
  train:
    uses: mil.train-fold
    needs: [preprocess, split]
    matrix: { fold: [0, 1, 2] }
    with:
      bags: "\${{ needs.preprocess.items }}"
      splits: "\${{ needs.split.outputs.splits }}"
      model: mean
      repeat: 0
      fold: "\${{ matrix.fold }}"
      epochs: 3
      embed-dim: 4
      attention-dim: 4
      backend: js
  evaluate:
    uses: mil.evaluate
    needs: [preprocess, split, train]
    matrix: { from: train }
    with:
      checkpoint: "\${{ needs.train.outputs.checkpoint }}"
      bags: "\${{ needs.preprocess.items }}"
      splits: "\${{ needs.split.outputs.splits }}"
      bootstrap: 20
      backend: js
`;

const slides = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => slideName(from + i));

/** No fold uses slides 20 and 21; only fold 0 uses slide 22, which it tests. */
const FOLDS = {
  repeats: [
    {
      folds: [
        { train: slides(0, 11), val: slides(12, 15), test: [...slides(16, 19), slideName(22)] },
        { train: slides(4, 15), val: slides(16, 19), test: slides(0, 3) },
        { train: slides(8, 19), val: slides(0, 3), test: slides(4, 7) },
      ],
    },
  ],
};

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 2 } });
});
after(() => engine?.stop());

class Study {
  readonly cohort: FeatureCohort;
  readonly work: string;
  private runs = 0;
  /** Values of params. */
  set: Record<string, string> = {};

  constructor(context: TestContext) {
    this.cohort = new FeatureCohort(temporaryFolder(context), 24);
    writeFileSync(join(this.cohort.folder, 'folds.json'), JSON.stringify(FOLDS));
    this.work = temporaryFolder(context);
  }

  /** Runs the pipeline and returns the steps that did work: `train@1`. */
  async run(work = this.work, until?: string): Promise<string[]> {
    const plan = await this.plan(work, until);
    const run = `redo-${++this.runs}-${Math.random().toString(36).slice(2)}`;
    const status = await engine.finish(plan, { run });
    assert.equal(status.state, 'done', `${status.message}: ${JSON.stringify(status.stages)}`);
    const made = (await readEvents(work, run)).filter(({ event }) => event === 'done');
    return made.map(({ stage, item }) => (stage === item ? stage : `${stage}@${item}`)).sort();
  }

  /** What `plan --why` says of a stage. */
  async reasons(stage: string): Promise<Record<string, string | undefined>> {
    const context = new EngineContext(await loadRegistry());
    try {
      for await (const found of forecast(context, await this.plan(this.work))) {
        if (found.stage !== stage) continue;
        const todo = found.items.filter(({ state }) => state === 'runs' || state === 'skipped');
        return Object.fromEntries(todo.map(({ key, why }) => [key, why]));
      }
      return {};
    } finally {
      await context.close();
    }
  }

  private async plan(work: string, until?: string): Promise<Plan> {
    const { folder } = this.cohort;
    const set = Object.entries(this.set);
    const plan = await realPlan(PIPELINE, { file: join(folder, 'redo.yaml'), cwd: folder, work, set });
    return until === undefined ? plan : selectStages(plan, { until: [until] }).plan;
  }
}

function resultsOf(work: string): [string, string][] {
  return Object.entries(outputDigests(work)).filter(([path]) => /^(train|evaluate)\//.test(path));
}

test('a changed slide is redone only where a fold reads it, and every result is that of a new run', async (context) => {
  const study = new Study(context);
  const { cohort } = study;
  assert.equal((await study.run()).length, 24 + 1 + 3 + 3);
  assert.deepEqual(await study.run(), [], 'nothing has changed');

  cohort.write(slideName(20), 1);
  cohort.list(cohort.listed.filter((name) => name !== slideName(21)));
  assert.deepEqual(await study.run(), ['preprocess@slide_20', 'split'], 'slides that no fold uses');

  cohort.write(slideName(24));
  cohort.list([...cohort.listed, slideName(24)]);
  assert.deepEqual(await study.run(), ['preprocess@slide_24', 'split'], 'a slide without a label');

  cohort.write(slideName(22), 1);
  await study.run(study.work, 'split');
  assert.deepEqual(await study.reasons('train'), {});
  assert.deepEqual(await study.reasons('evaluate'), { 0: 'test bag slide_22 has other content' });
  assert.deepEqual(await study.run(), ['evaluate@0'], 'a slide that a fold only tests');

  cohort.write(slideName(17), 1);
  await study.run(study.work, 'split');
  assert.deepEqual(await study.reasons('train'), {
    1: 'validation bag slide_17 has other content',
    2: 'training bag slide_17 has other content',
  });
  const redone = ['evaluate@0', 'evaluate@1', 'evaluate@2', 'train@1', 'train@2'];
  assert.deepEqual(await study.run(), redone, 'a slide that fold 0 tests');

  const whole = temporaryFolder(context);
  await study.run(whole);
  assert.deepEqual(resultsOf(study.work), resultsOf(whole));
});

test('a class that changes is redone by the folds that read it, with the reason', async (context) => {
  const study = new Study(context);
  await study.run();
  const labels = slides(0, 23).map((name, i) => `${name},${i % 2 === 1 || i === 22 ? 'tumor' : 'normal'}\n`);
  writeFileSync(join(study.cohort.folder, 'labels.csv'), `slide_id,label\n${labels.join('')}`);
  await study.run(study.work, 'split');
  assert.deepEqual(await study.reasons('train'), {});
  assert.deepEqual(await study.reasons('evaluate'), { 0: 'class of slide_22: normal -> tumor' });
});

test('a slide excluded by a file is left out of each run, with its reason in the splits', async (context) => {
  const study = new Study(context);
  await study.run();
  const { folder } = study.cohort;
  rmSync(study.cohort.featuresOf(slideName(20)));
  writeFileSync(join(folder, 'excluded.csv'), 'slide_id,reason\nslide_20,out of focus\n');
  study.set = { exclude: 'excluded.csv' };
  assert.deepEqual(await study.reasons('preprocess'), { slide_20: 'excluded: out of focus' });
  assert.deepEqual(await study.run(), ['split'], 'no fold uses it');
  const receipt = await readReceipt(study.work, { stage: 'split', item: 'split', step: 'split' });
  assert.deepEqual(receipt?.outputs.dropped, [{ name: 'slide_20', reason: 'excluded: out of focus' }]);
  assert.deepEqual(await study.run(), []);
});
