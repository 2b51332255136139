import type { Job, JobResult, OutputFile } from '../../job.js';
import { pooledRisks } from '../cohort/lock-risks.js';
import { regressionCases, survivalCases } from '../cohort/endpoint-predictions.js';
import { writeRegression, writeSurvival, type HeadFacts } from './endpoint-files.js';
import { writeAll } from './evaluation-files.js';
import { scoreComparisonTable, scoreSiteTable } from './external-score-tables.js';
import { readExternalScores, type ExternalScores } from './external-scores.js';
import type { EvaluateWith } from './parameters.js';
import type { SurvivalReference } from './score-survival.js';

/** Scores risks or values of slides that no split knows. */
export function scoreExternal(
  job: Job<EvaluateWith>,
  file: string,
  endpoint: 'survival' | 'regression',
  factsOf: (cohort: ExternalScores) => HeadFacts,
): JobResult {
  const options = job.with;
  const cohort = readExternalScores(file, endpoint, options);
  const others = (options.compareWith ?? []).map(({ path }) => {
    const own = { ...options };
    delete own.ensemble;
    return readExternalScores(path, endpoint, own);
  });
  for (const warning of cohort.warnings) job.log('warn', warning);
  const facts = factsOf(cohort);
  const result =
    endpoint === 'survival' ? survivalResult(job, cohort, facts) : regressionResult(job, cohort, facts);
  const { bootstrap } = options;
  const sites = scoreSiteTable(cohort, facts, bootstrap);
  const more: Record<string, { to: string; content: string }> = {
    ...(sites !== undefined && { sites: { to: `sites/${job.name}.csv`, content: sites } }),
    ...(others.length > 0 && {
      comparisons: {
        to: `comparisons/${job.name}.csv`,
        content: scoreComparisonTable(cohort, others, facts, bootstrap),
      },
    }),
  };
  job.progress({ unit: `${facts.level}s`, done: cohort.cases.length, total: cohort.cases.length });
  const files: Record<string, OutputFile> = { ...result.files, ...writeAll(job.scratch, more) };
  return { ...result, files };
}

function survivalResult(job: Job<EvaluateWith>, cohort: ExternalScores, facts: HeadFacts): JobResult {
  const { reference, risks, head } = referenceOf(cohort);
  return writeSurvival(job.scratch, facts, survivalCases(cohort.cases), {
    ...{ reference, head, time: cohort.quantity, bootstrap: job.with.bootstrap },
    trainingRisks: risks,
  });
}

function regressionResult(job: Job<EvaluateWith>, cohort: ExternalScores, facts: HeadFacts): JobResult {
  const { bootstrap } = job.with;
  return writeRegression(job.scratch, facts, regressionCases(cohort.cases), {
    ...{ value: cohort.quantity, bootstrap },
  });
}

const NO_CURVES = 'the predictions state risks, not survival curves';
const NO_TRAINING = 'the training patients are not known: set `ensemble` of mil.predict';

/** Threshold, scale and censoring from the training patients of the ensemble, if they are known. */
function referenceOf({ ensemble }: ExternalScores): {
  reference: SurvivalReference;
  risks: number[] | undefined;
  head: 'hazard' | 'cox' | null;
} {
  const survival = { value: null, why: NO_CURVES };
  const members = (ensemble?.checkpoints ?? []).flatMap(({ name, training_risks: risks }) =>
    risks === undefined ? [] : [{ name, risks }],
  );
  if (ensemble?.target.endpoint !== 'survival' || members.length === 0) {
    const unknown = { value: null, why: NO_TRAINING };
    return { reference: { training: unknown, threshold: unknown, survival }, risks: undefined, head: null };
  }
  const { head } = ensemble.target;
  const { training, threshold, from } = pooledRisks(members, head);
  return {
    reference: {
      training: { value: training },
      threshold: { value: { value: threshold, from: `locked before: ${from}` } },
      survival,
    },
    ...{ risks: training.risks, head },
  };
}
