import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { loadPipeline } from '../../domain/engine/language/load-pipeline.js';
import { readCsv } from '../../domain/files/csv.js';
import { readClassMetrics } from '../../domain/mil/evaluate/read-metrics-file.js';
import { writeFeatures } from '../../domain/pathology/layouts/bag-files.js';
import { RandomStream } from '../../domain/random.js';
import { TestEngine } from '../support/engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** From tables of features and labels to the report. */
const PIPELINE = `
pipeline: 1
name: three-classes
on-failure: fail
stages:
  bags:
    foreach: { csv: slides.csv, as: slide, key: slide_id }
    uses: pathology.convert
    with: { features: "\${{ slide.path }}", patch-size-level0: 256 }
  split:
    uses: mil.split
    needs: bags
    with:
      bags: "\${{ needs.bags.items }}"
      labels: labels.csv
      classes: [grade-1, grade-2, grade-3]
      scheme: stratified
      folds: 3
      repeats: 1
      val-ratio: 0.25
  train:
    uses: mil.train-fold
    needs: [bags, split]
    matrix: { model: [mean], fold: [0, 1, 2] }
    with:
      bags: "\${{ needs.bags.items }}"
      splits: "\${{ needs.split.outputs.splits }}"
      model: "\${{ matrix.model }}"
      repeat: 0
      fold: "\${{ matrix.fold }}"
      epochs: 60
      lr: 0.02
      select: last
      embed-dim: 8
      attention-dim: 4
      backend: js
  evaluate:
    uses: mil.evaluate
    needs: [bags, split, train]
    matrix: { from: train }
    with:
      checkpoint: "\${{ needs.train.outputs.checkpoint }}"
      bags: "\${{ needs.bags.items }}"
      splits: "\${{ needs.split.outputs.splits }}"
      ordered: true
      bootstrap: 20
      backend: js
  report:
    uses: pipeline.report
    needs: evaluate
    with: { evaluations: "\${{ needs.evaluate.items }}" }
`;

const CLASSES = ['grade-1', 'grade-2', 'grade-3'];
const SLIDES = 24;
const DIM = 6;

/** Slides of each grade have a raised feature of their own; one slide of grade 1 looks like grade 3. */
function writeCohort(folder: string): void {
  const rows = { slides: 'slide_id,path\n', labels: 'slide_id,label\n' };
  for (let i = 0; i < SLIDES; i++) {
    const name = `slide_${String(i).padStart(2, '0')}`;
    const stream = new RandomStream('three-classes', name);
    const features = Float32Array.from({ length: 4 * DIM }, () => 0.2 * stream.normal());
    const shown = i === 0 ? 2 : i % 3;
    for (let row = 0; row < 4; row++) features[row * DIM + shown] += 2;
    const coords = Int32Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? 256 * (at >> 1) : 0));
    writeFeatures(join(folder, `${name}.h5`), { features, dim: DIM, coords });
    rows.slides += `${name},${name}.h5\n`;
    rows.labels += `${name},${CLASSES[i % 3]}\n`;
  }
  writeFileSync(join(folder, 'slides.csv'), rows.slides);
  writeFileSync(join(folder, 'labels.csv'), rows.labels);
}

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 2 } });
});
after(() => engine?.stop());

test('three classes go from tables of features and labels to a report of macro means and each class', async (context) => {
  const [folder, work] = [temporaryFolder(context), temporaryFolder(context)];
  writeCohort(folder);
  const registry = await loadRegistry();
  const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));
  const file = join(folder, 'three-classes.yaml');
  const { plan, problems } = loadPipeline(PIPELINE, { file, catalog, cwd: folder, work });
  assert.ok(plan, JSON.stringify(problems));
  const status = await engine.finish(plan, { run: 'three-classes' });
  assert.equal(status.state, 'done', `${status.message}: ${JSON.stringify(status.stages)}`);

  const written = readdirSync(work, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !path.startsWith('.'),
  );
  const found = (pattern: RegExp) =>
    written.filter((path) => pattern.test(path)).map((path) => join(work, path));
  const folds = found(/^evaluate.*metrics.*\.json$/).map(readClassMetrics);
  assert.equal(folds.length, 3);
  for (const { classes, several, rank, intervals } of folds) {
    assert.deepEqual(classes, CLASSES);
    // Guessing gives 0.5; one slide looks like another class.
    assert.ok(rank.auc! > 0.75, `AUC ${rank.auc}`);
    assert.ok(several!.ordered && several!.quadratic_kappa !== null);
    assert.ok(intervals.bootstrap!.auc.low <= rank.auc!);
  }
  const [curves] = found(/^evaluate.*roc.*\.csv$/);
  const roc = readCsv(curves, { header: true, required: ['class'] });
  assert.deepEqual([...new Set(roc.rows.map(({ values }) => values.class))], CLASSES);
  const page = readFileSync(found(/^report.*report\.html$/)[0], 'utf8').replace(/\s+/g, ' ');
  for (const text of [
    '24 scored slides (8 grade-1, 8 grade-2, 8 grade-3)',
    'Macro AUC',
    'Quadratic kappa',
    'Mean ROC curves of grade-1, grade-2, grade-3',
    'Validation AUC',
    'class="kept"',
  ])
    assert.ok(page.includes(text), `"${text}" is missing`);
  assert.match(page, /<h4>slide_00<\/h4> <p> <strong>grade-1<\/strong>, called <strong>grade-3<\/strong>/);
  const { groups, pooled } = JSON.parse(readFileSync(found(/^report.*metrics\.json$/)[0], 'utf8')) as {
    groups: { several: { per_class: object } }[];
    pooled: { several: { overall: Record<string, { interval: object | null }> } }[];
  };
  assert.deepEqual(Object.keys(groups[0].several.per_class), CLASSES);
  assert.ok(pooled[0].several.overall.quadratic_kappa.interval);
});
