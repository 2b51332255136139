import type { InputFile, Job, JobResult, OutputFile } from '../../job.js';
import { writeAll, writeEvaluation, type FoldFacts } from './evaluation-files.js';
import { readExternalCohort } from './external-cohort.js';
import { asPrediction, comparisonTable, siteTable } from './external-tables.js';
import type { EvaluateWith } from './parameters.js';

/** Seed of the bootstrap, as that of splits without a seed. */
const SEED = 2021;

/** Scores predictions of slides that no split knows, with a threshold that was locked before. */
export function evaluateExternal(job: Job<EvaluateWith>, predictions: InputFile): JobResult {
  const options = job.with;
  const cohort = readExternalCohort(predictions.path, options);
  const others = (options.compareWith ?? []).map(({ path }) => {
    // The other models are compared by their ranks: their thresholds do not matter.
    const own = { ...options, classes: cohort.classes, threshold: 'half' as const };
    delete own.ensemble;
    return readExternalCohort(path, own);
  });
  for (const warning of cohort.warnings) job.log('warn', warning);
  const { classes, model, ensemble, scored } = cohort;
  const { value, from } = cohort.threshold;
  const threshold = value === null ? 'half' : { value, from: `locked before: ${from}` };
  const facts: FoldFacts = {
    cell: job.name,
    ...{ model, classes, repeat: 0, fold: 0, seed: SEED },
    set: 'external',
    level: options.level ?? 'slide',
    protocol: options.protocol,
    selection: { epoch: null, by: 'trained without this cohort', optimistic: false },
    training: {
      ...(ensemble && { combine: ensemble.combine, checkpoints: ensemble.checkpoints.length }),
      ...(options.level === 'patient' && { 'patient-score': options.patientScore ?? 'mean' }),
    },
    sources: {
      given_predictions: predictions.digest,
      ...(options.ensemble && { ensemble: options.ensemble.digest }),
      ...(options.labels && { labels: options.labels.digest }),
    },
  };
  const list = scored.map(asPrediction);
  const { bootstrap, protocol, ordered } = options;
  const result = writeEvaluation(
    job.scratch,
    facts,
    { scored: list, validation: [] },
    { threshold, bootstrap, ordered },
  );
  const sites = siteTable(scored, { classes, protocol, threshold, bootstrap: 0, stream: [] });
  const more: Record<string, { to: string; content: string }> = {
    ...(sites !== undefined && { sites: { to: `sites/${job.name}.csv`, content: sites } }),
    ...(others.length > 0 && {
      comparisons: { to: `comparisons/${job.name}.csv`, content: comparisonTable(cohort, others) },
    }),
  };
  job.progress({ unit: 'slides', done: list.length, total: list.length });
  const files: Record<string, OutputFile> = { ...result.files, ...writeAll(job.scratch, more) };
  return { ...result, files };
}
