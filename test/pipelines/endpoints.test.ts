import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { readMetricsFile, type AnyMetricsFile } from '../../domain/mil/evaluate/read-metrics-file.js';
import { writeFeatures } from '../../domain/pathology/layouts/bag-files.js';
import { RandomStream } from '../../domain/random.js';
import { TestEngine } from '../support/engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { planShipped, runShipped } from './run-shipped.js';

/** The shipped pipelines of each endpoint, from tables of features and labels to the report. */

const SLIDES = 32;
const DIM = 6;
const CLASSES = ['grade-1', 'grade-2', 'grade-3'];

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 2 } });
});
after(() => engine?.stop());

interface Slide {
  name: string;
  patient: string;
  /** What the features show, from -1 to 1. */
  signal: number;
  noise: number;
}

/** Features that show a number, and labels that follow from it. The first two slides are of one patient. */
function writeCohort(folder: string, header: string, labelOf: (slide: Slide, i: number) => string): void {
  const rows = { slides: 'slide_id,features\n', labels: `slide_id,patient_id,${header}\n` };
  for (let i = 0; i < SLIDES; i++) {
    const name = `slide_${String(i).padStart(2, '0')}`;
    const patient = Math.max(1, i);
    const random = new RandomStream('endpoints-pipeline', name);
    const signal = (2 * ((7 * patient) % SLIDES)) / (SLIDES - 1) - 1;
    const features = Float32Array.from({ length: 4 * DIM }, (_, at) =>
      at % DIM < 2 ? signal * (at % DIM === 0 ? 1 : -1) + 0.1 * random.normal() : 0.2 * random.normal(),
    );
    const coords = Int32Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? 256 * (at >> 1) : 0));
    writeFeatures(join(folder, `${name}.h5`), { features, dim: DIM, coords });
    const noise = new RandomStream('endpoints-pipeline', patient).uniform();
    rows.slides += `${name},${name}.h5\n`;
    rows.labels += `${name},P${patient},${labelOf({ name, patient: `P${patient}`, signal, noise }, i)}\n`;
  }
  writeFileSync(join(folder, 'slides.csv'), rows.slides);
  writeFileSync(join(folder, 'labels.csv'), rows.labels);
}

async function runPipeline(
  t: TestContext,
  name: string,
  cohort: (folder: string) => void,
  set: Readonly<Record<string, string>>,
): Promise<{ metrics: AnyMetricsFile[]; page: string; groups: string[] }> {
  const [folder, work] = [temporaryFolder(t), temporaryFolder(t)];
  cohort(folder);
  const small = {
    ...{ slides: join(folder, 'slides.csv'), labels: join(folder, 'labels.csv'), work },
    ...{ models: 'mean-linear,abmil', folds: '2', repeats: '1', epochs: '25', 'stop-epoch': '25' },
    ...{ lr: '0.02', 'embed-dim': '8', backend: 'js', bootstrap: '20', 'group-column': 'patient_id' },
  };
  const plan = await planShipped(name, { ...small, ...set }, work);
  // Runs of one engine need names of their own.
  const run = [name, set.loss].filter((part) => part !== undefined).join('-');
  const summary = await runShipped(engine, { ...plan, name: run }, 'report');
  const files = readdirSync(work, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^evaluate.*metrics.*\.json$/.test(path),
  );
  return {
    metrics: files.map((path) => readMetricsFile(join(work, path))),
    page: readFileSync(join(work, 'report', 'report.html'), 'utf8').replace(/\s+/g, ' '),
    groups: summary.groups.map(({ group }) => group),
  };
}

function requireTexts(page: string, texts: readonly string[]): void {
  for (const text of texts) assert.ok(page.includes(text), `"${text}" is missing`);
}

for (const loss of ['hazard', 'cox']) {
  test(`survival.yaml goes from times and stated events to the report, with loss ${loss}`, async (t) => {
    const cohort = (folder: string) =>
      writeCohort(folder, 'os_months,vital_status', ({ signal, noise }) => {
        const time = 30 * Math.exp(-1.5 * signal) * (0.8 + 0.4 * noise);
        return `${time.toFixed(1)},${noise < 0.7 ? 'dead' : 'alive'}`;
      });
    const columns = { 'time-column': 'os_months', 'event-column': 'vital_status' };
    const values = { 'event-values': 'dead', 'censored-values': 'alive' };
    const { metrics, page, groups } = await runPipeline(t, 'survival', cohort, {
      loss,
      ...columns,
      ...values,
    });
    assert.deepEqual(groups, ['abmil', 'mean-linear']);
    assert.equal(metrics.length, 4);
    for (const file of metrics) {
      assert.ok(file.endpoint === 'survival' && file.head === loss && file.time === 'os_months');
      // By chance 0.5; without the sign of a risk, below 0.2.
      assert.ok((file.scores.concordance ?? 0) > 0.75, `concordance ${file.scores.concordance}`);
      assert.ok(file.risk_groups);
    }
    requireTexts(page, [
      ...['id="survival"', '31 patients', 'Survival of high and low risk by abmil', 'log-rank p'],
      ...['Validation concordance of abmil', 'class="kept"', 'from its training patients only'],
    ]);
    assert.ok(!page.includes('not pooled'));
  });
}

test('regression.yaml goes from a column of numbers to the report', async (t) => {
  const cohort = (folder: string) =>
    writeCohort(folder, 'hrd_score', ({ signal, noise }) => (4 * signal + 0.2 * noise).toFixed(2));
  const { metrics, page } = await runPipeline(t, 'regression', cohort, { 'label-column': 'hrd_score' });
  assert.equal(metrics.length, 4);
  for (const file of metrics) {
    assert.ok(file.endpoint === 'regression' && file.value === 'hrd_score');
    assert.ok((file.scores.r2 ?? -1) > 0.4, `R2 ${file.scores.r2}`);
  }
  requireTexts(page, [
    ...['id="regression"', 'hrd_score, predicted', 'hrd_score predicted by abmil over the true values'],
    ...['Validation RMSE (lower is better) of abmil', 'class="kept"'],
  ]);
});

test('several-classes.yaml goes from grades to the report, with a test between the models', async (t) => {
  const cohort = (folder: string) =>
    writeCohort(folder, 'grade', ({ signal }) => CLASSES[Math.min(2, Math.floor(1.5 * (signal + 1)))]);
  const set = { 'label-column': 'grade', classes: CLASSES.join(','), ordered: 'true', epochs: '40' };
  const { metrics, page } = await runPipeline(t, 'several-classes', cohort, set);
  for (const file of metrics) {
    assert.ok(file.endpoint === 'classification');
    assert.deepEqual(file.classes, CLASSES);
    assert.ok((file.rank.auc ?? 0) > 0.7, `AUC ${file.rank.auc}`);
  }
  requireTexts(page, ['Macro AUC', 'Quadratic kappa', 'Paired bootstrap', 'Validation AUC of abmil']);
});
