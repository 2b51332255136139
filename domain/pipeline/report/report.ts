import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { readItems } from '../../engine/store/items.js';
import type { Job, JobResult } from '../../job.js';
import { readEvents } from '../../engine/store/run-events.js';
import { reportPage } from './page/page.js';
import { compareGroups, listPairs, poolGroups } from './data/out-of-fold.js';
import { readCohort } from './read/read-cohort.js';
import { hiddenAxes, requireFields } from './data/check-groups.js';
import { readEvaluations, sortByEndpoint, splitGroups } from './read/read-evaluations.js';
import { readPredictionTables } from './read/read-predictions.js';
import { listDropped } from './read/read-dropped.js';
import { collectLeftOut, readPlan, readRunFacts } from './read/read-run.js';
import { readSteps } from './read/read-steps.js';
import { readTraining } from './read/read-training.js';
import { readErrorPictures, readHeatmaps, readSlides } from './read/read-slides.js';
import type { ScoreRow } from './data/endpoint-results.js';
import type { ReportData } from './data/report-data.js';
import type { JsonObject } from '../../json.js';
import { describeCohort } from './data/describe-data.js';
import { automaticNotes, splitNotes, sweepNotes } from './data/report-notes.js';
import { listErrors, scoreSlides, SHOWN_ERRORS } from './data/score-slides.js';
import { collectResources, collectWarnings } from './data/step-facts.js';
import { formatSummary } from './data/summary-file.js';
import { summarize } from './data/summary.js';
import { regressionResults } from './data/regression-results.js';
import { survivalResults } from './data/survival-results.js';
import { buildSweeps } from './data/sweeps.js';
import { buildTimeline } from './data/timeline.js';
import type { ReportWith } from './parameters.js';

/**
 * Writes evaluations, slides and heatmaps to one self-contained page and one metrics file. metrics.json
 * depends only on the inputs; the page also shows the run's times and hosts, so it differs between runs.
 * @throws SamMilError InvalidInput when there are no inputs, or an input file is missing, changed or
 * inconsistent
 */
export async function run(job: Job<ReportWith>): Promise<JobResult> {
  const data = await readReport(job);
  const [page, metrics] = [join(job.scratch, 'report.html'), join(job.scratch, 'metrics.json')];
  writeAtomic(page, reportPage(data));
  writeAtomic(metrics, formatSummary(data));
  return {
    files: { report: { from: page, to: 'report.html' }, metrics: { from: metrics, to: 'metrics.json' } },
    values: {
      folds: data.evaluations.length,
      groups: [...data.rows, ...(data.survival?.rows ?? []), ...(data.regression?.rows ?? [])].map(
        ({ group }) => group,
      ),
      auc: Object.fromEntries(
        data.rows.map(({ group, protocol, protocols }) => [
          group,
          protocols[protocol].auc.repeats?.mean ?? null,
        ]),
      ),
      ...meanScores(data),
    },
  };
}

/**
 * Collects everything that the page shows. Input files are checked against their digests while they are read.
 */
export async function readReport(job: Job<ReportWith>): Promise<ReportData> {
  const { evaluations, predictions, slides, heatmaps, title, compare, compareBy } = job.with;
  const asked = [job.with.groupBy].flat();
  const swept = [job.with.sweep ?? []].flat();
  requireInputs(job.with);
  refuseUnknownField(compareBy, asked);
  const given = {
    evaluation: evaluations ? readItems(evaluations.path) : [],
    prediction: predictions ? readItems(predictions.path) : [],
    slide: slides ? readItems(slides.path) : [],
    heatmap: heatmaps ? readItems(heatmaps.path) : [],
  };
  const read = await readEvaluations(given.evaluation, asked, job.work, swept);
  requireFields(read, asked, swept);
  const axes = hiddenAxes(read, asked);
  const [groupBy, all] = [[...asked, ...axes], splitGroups(read, asked, axes)];
  const { classified: folds, survival, regression } = sortByEndpoint(all);
  job.progress({ unit: 'folds', done: all.length, total: all.length });
  const shown = await readHeatmaps(given.heatmap, job.work);
  const events = job.run === undefined ? [] : await readEvents(job.work, job.run);
  const inputs = Object.entries({ evaluations, predictions, slides, heatmaps }).flatMap(([name, file]) =>
    file === undefined ? [] : [{ path: `items of ${name}`, digest: file.digest }],
  );
  const plan = readPlan(job.work, job.run);
  const steps = await readSteps(job.work, job.run, plan);
  const ended = collectLeftOut(given, events);
  const left = [...ended, ...(await listDropped(job.work, plan, new Set(ended.map(({ item }) => item))))];
  const scored = scoreSlides(folds);
  const worst = listErrors(scored).slice(0, SHOWN_ERRORS);
  const data: Omit<ReportData, 'notes'> = {
    title: '',
    evaluated: evaluations !== undefined,
    groupBy,
    evaluations: all,
    rows: summarize(folds),
    folds,
    pooled: poolGroups(folds),
    comparisons: compareGroups(folds, compare, compareBy),
    sweeps: buildSweeps(folds, swept, groupBy),
    survival: survivalResults(survival, listPairs(survival, compare, compareBy)),
    regression: regressionResults(regression, listPairs(regression, compare, compareBy)),
    predictions: await readPredictionTables(given.prediction, job.work),
    ...(await readSlides(given.slide, job.work)),
    ...shown,
    left,
    cohort: await readCohort(all, steps, job.work),
    training: await readTraining(all, steps, job.work),
    scored,
    errorPictures: await readErrorPictures(
      worst.map(({ key }) => key),
      given,
      job.work,
    ),
    warnings: collectWarnings(steps),
    resources: collectResources(steps),
    run: readRunFacts(job.work, job.run, plan, all, inputs),
    timeline: buildTimeline(events, job.name),
  };
  return {
    ...data,
    title: title ?? describeCohort(data),
    notes: [
      ...[job.with.notes ?? []].flat(),
      ...splitNotes(axes),
      ...sweepNotes(swept, data),
      ...automaticNotes(data),
    ],
  };
}

/** Mean concordance or RMSE over the repeats. */
function meanScores({ survival, regression }: ReportData): JsonObject {
  const means = <Metric extends string>(rows: readonly ScoreRow<Metric>[], metric: Metric) =>
    Object.fromEntries(rows.map(({ group, scores }) => [group, scores[metric].repeats?.mean ?? null]));
  return {
    ...(survival && { concordance: means(survival.rows, 'concordance') }),
    ...(regression && { rmse: means(regression.rows, 'rmse') }),
  };
}

function requireInputs({ evaluations, predictions, slides, heatmaps }: ReportWith): void {
  if (evaluations ?? predictions ?? slides ?? heatmaps) return;
  throw new SamMilError('InvalidInput', 'the report has no inputs', {
    expected: 'at least one of `evaluations`, `predictions`, `slides`, `heatmaps`',
    next: 'pass the items of a stage, such as slides: ${{ needs.preprocess.items }}',
  });
}

function refuseUnknownField(compareBy: string | undefined, groupBy: readonly string[]): void {
  if (compareBy === undefined || groupBy.includes(compareBy)) return;
  throw new SamMilError('InvalidInput', '`compare-by` is not one of the `group-by` fields', {
    expected: groupBy.join(', '),
    found: compareBy,
  });
}
