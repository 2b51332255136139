import type { InputFile, Job, JobResult, OutputFile } from '../../job.js';
import type { EnsembleFile } from '../cohort/ensemble-file.js';
import type { HeadFacts } from './endpoint-files.js';
import { writeAll, writeEvaluation } from './evaluation-files.js';
import { readExternalCohort } from './external-cohort.js';
import { externalEndpoint } from './external-scores.js';
import type { EvaluationOptions } from './evaluate-predictions.js';
import { asPrediction, comparisonTable, siteTable } from './external-tables.js';
import type { EvaluateWith } from './parameters.js';
import { scoreExternal } from './score-external.js';

/** Seed of the bootstrap, as that of splits without a seed. */
const SEED = 2021;

/** Scores predictions of slides that no split knows, with a threshold that was locked before. */
export function evaluateExternal(job: Job<EvaluateWith>, predictions: InputFile): JobResult {
  const endpoint = externalEndpoint(predictions.path, job.with.ensemble);
  const factsOf = (cohort: { model: string; ensemble?: EnsembleFile }) =>
    describeCohort(job, predictions, cohort);
  if (endpoint === 'classification') return scoreClasses(job, predictions, factsOf);
  return scoreExternal(job, predictions.path, endpoint, factsOf);
}

function scoreClasses(
  job: Job<EvaluateWith>,
  predictions: InputFile,
  factsOf: (cohort: { model: string; ensemble?: EnsembleFile }) => HeadFacts,
): JobResult {
  const options = job.with;
  const cohort = readExternalCohort(predictions.path, options);
  const others = (options.compareWith ?? []).map(({ path }) => {
    // The other models are compared by their ranks: their thresholds do not matter.
    const own = { ...options, classes: cohort.classes, threshold: 'half' as const };
    delete own.ensemble;
    return readExternalCohort(path, own);
  });
  for (const warning of cohort.warnings) job.log('warn', warning);
  const { classes, scored } = cohort;
  const { value, from } = cohort.threshold;
  const threshold: EvaluationOptions['threshold'] =
    value === null ? 'half' : { value, from: `locked before: ${from}` };
  const list = scored.map(asPrediction);
  const { bootstrap, protocol, ordered } = options;
  const facts = factsOf(cohort);
  const result = writeEvaluation(
    job.scratch,
    { ...facts, classes, protocol },
    { scored: list, validation: [] },
    { threshold, bootstrap, ordered },
  );
  const scoring = { classes, protocol, threshold, bootstrap: 0, stream: [] };
  const sites = siteTable(scored, scoring, facts.level);
  const more: Record<string, { to: string; content: string }> = {
    ...(sites !== undefined && { sites: { to: `sites/${job.name}.csv`, content: sites } }),
    ...(others.length > 0 && {
      comparisons: { to: `comparisons/${job.name}.csv`, content: comparisonTable(cohort, others) },
    }),
  };
  job.progress({ unit: `${facts.level}s`, done: list.length, total: list.length });
  const files: Record<string, OutputFile> = { ...result.files, ...writeAll(job.scratch, more) };
  return { ...result, files };
}

function describeCohort(
  { name, with: options }: Job<EvaluateWith>,
  predictions: InputFile,
  { model, ensemble }: { model: string; ensemble?: EnsembleFile },
): HeadFacts {
  const { level = 'slide', patientScore = 'mean' } = options;
  const averaged = ensemble?.target.endpoint === 'classification' && { combine: ensemble.combine };
  return {
    ...{ cell: name, model, repeat: 0, fold: 0, seed: SEED, set: 'external', level },
    selection: { epoch: null, by: 'trained without this cohort', optimistic: false },
    training: {
      ...(ensemble && { ...averaged, checkpoints: ensemble.checkpoints.length }),
      ...(level === 'patient' && { 'patient-score': patientScore }),
    },
    sources: {
      given_predictions: predictions.digest,
      ...(options.ensemble && { ensemble: options.ensemble.digest }),
      ...(options.labels && { labels: options.labels.digest }),
    },
  };
}
