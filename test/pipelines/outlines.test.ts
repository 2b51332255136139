import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { forecast } from '../../activities/engine/forecast.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { EngineContext } from '../../activities/step/engine-context.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';
import { readEvents } from '../../domain/engine/store/run-events.js';
import { findOpenSlideLibrary } from '../../domain/machine/fetch-openslide.js';
import { BUNDLED_SLIDE } from '../support/bundled.js';
import { TestEngine } from '../support/engine.js';
import { slideName } from '../support/feature-cohort.js';
import { realPlan } from '../support/real-plan.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const COUNT = 24;

const PIPELINE = `
pipeline: 1
name: outlined
on-failure: fail
stages:
  preprocess:
    foreach: { csv: slides.csv, as: slide, key: slide_id }
    steps:
      - id: patch
        uses: pathology.patch
        with:
          slide: "\${{ slide.path }}"
          preset: bwh_biopsy
          patch-size: 512
          seg-level: 0
          tissue: TISSUE
      - id: size
        uses: pipeline.command
        with:
          command: [cp, "{inputs.patches}", "{outputs.copy}"]
          inputs: { patches: "\${{ steps.patch.outputs.patches }}" }
          outputs: { copy: patches.h5 }
    outputs: { copy: "\${{ steps.size.outputs.copy }}" }
  gather:
    uses: pipeline.copy
    needs: preprocess
    with: { items: "\${{ needs.preprocess.items }}", outputs: [copy], to: gathered, layout: by-item, overwrite: true }
`;

let engine: TestEngine;
before(async () => {
  await findOpenSlideLibrary();
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2 } });
});
after(() => engine?.stop());

class Cohort {
  readonly folder: string;
  readonly work: string;
  readonly outlines: string;
  private readonly tissue: string;
  private readonly count: number;
  private runs = 0;

  constructor(context: TestContext, tissue: string, count: number) {
    this.tissue = tissue;
    this.count = count;
    this.folder = temporaryFolder(context);
    this.work = join(this.folder, 'work');
    this.outlines = join(this.folder, 'outlines');
    mkdirSync(this.outlines);
  }

  list(row: (name: string) => string): void {
    const rows = Array.from(
      { length: this.count },
      (_, i) => `${slideName(i)},${BUNDLED_SLIDE},${row(slideName(i))}\n`,
    );
    writeFileSync(join(this.folder, 'slides.csv'), `slide_id,path,outline\n${rows.join('')}`);
  }

  draw(slide: number, width: number): void {
    const ring = [[100, 100], [width, 100], [width, 2700], [100, 2700], [100, 100]]; // prettier-ignore
    const geometry = { type: 'Polygon', coordinates: [ring] };
    const file = join(this.outlines, `${slideName(slide)}.geojson`);
    writeFileSync(file, JSON.stringify([{ type: 'Feature', geometry, properties: {} }]));
  }

  /** Runs the pipeline and returns the steps that did work. */
  async run(): Promise<string[]> {
    const run = `outlined-${++this.runs}-${Math.random().toString(36).slice(2)}`;
    const status = await engine.finish(await this.plan(), { run });
    assert.equal(status.state, 'done', `${status.message}: ${JSON.stringify(status.stages)}`);
    const events = (await readEvents(this.work, run)).filter(({ event }) => event === 'done');
    return events.map(({ item, step }) => `${item} ${step}`).sort();
  }

  /** What `plan` says would run, with the reason. */
  async forecast(): Promise<Record<string, string | undefined>> {
    const context = new EngineContext(await loadRegistry());
    const found: Record<string, string | undefined> = {};
    try {
      for await (const { items } of forecast(context, await this.plan())) {
        for (const { key, state, why } of items) if (state === 'runs') found[key] = why;
      }
    } finally {
      await context.close();
    }
    return found;
  }

  private plan(): Promise<Plan> {
    const { folder, work } = this;
    const text = PIPELINE.replace('TISSUE', this.tissue);
    return realPlan(text, { file: join(folder, 'outlined.yaml'), cwd: folder, work, set: [] });
  }
}

const stepsOf = (slide: number) => ['patch', 'size'].map((step) => `${slideName(slide)} ${step}`);

test('a corrected outline in a folder reruns the steps of its slide and what depends on it, and nothing else', async (context) => {
  const cohort = new Cohort(context, 'outlines', COUNT);
  cohort.list(() => '');
  for (let i = 1; i < COUNT; i++) cohort.draw(i, 1500);
  assert.equal((await cohort.run()).length, 2 * COUNT + 1);
  assert.deepEqual(await cohort.run(), []);

  cohort.draw(7, 900);
  const forecasts = await cohort.forecast();
  assert.deepEqual(
    Object.keys(forecasts).filter((key) => key.startsWith('slide')),
    [slideName(7)],
  );
  assert.match(forecasts[slideName(7)] ?? '', /outlines slide_07\.geojson/);
  assert.deepEqual(await cohort.run(), ['gather gather', ...stepsOf(7)]);

  cohort.draw(0, 900);
  assert.deepEqual(await cohort.run(), ['gather gather', ...stepsOf(0)], 'a first outline for a slide');
  const drawn = await readReceipt(cohort.work, { stage: 'preprocess', item: slideName(0), step: 'patch' });
  assert.deepEqual(drawn?.outputs.outlines, { tissue: { counted: { 'without class': 1 } } });
  rmSync(join(cohort.outlines, `${slideName(0)}.geojson`));
  assert.deepEqual(await cohort.run(), ['gather gather', ...stepsOf(0)], 'segmented again');
  const segmented = await readReceipt(cohort.work, {
    stage: 'preprocess',
    item: slideName(0),
    step: 'patch',
  });
  assert.equal(segmented?.outputs.outlines, undefined);
});

test('a corrected outline that a column names reruns its slide only', async (context) => {
  const cohort = new Cohort(context, "'${{ slide.outline }}'", 5);
  cohort.list((name) => (name === slideName(3) || name === slideName(4) ? `outlines/${name}.geojson` : ''));
  cohort.draw(3, 1500);
  cohort.draw(4, 1500);
  assert.equal((await cohort.run()).length, 2 * 5 + 1);
  cohort.draw(4, 900);
  assert.deepEqual(await cohort.run(), ['gather gather', ...stepsOf(4)]);
  assert.deepEqual(await cohort.run(), []);
});
