import type { Job, JobResult } from '../../job.js';
import { listBags, type BagEntry } from '../bags/bags.js';
import { formatEnsembleFile } from '../cohort/ensemble-file.js';
import { joinTable, readSlideTable } from '../cohort/slide-table.js';
import { combineCases, type Case } from '../cohort/patient-cases.js';
import { patientsOf } from '../cohort/patient-level.js';
import { meanOfFolds, spreadOfFolds } from '../combine/ensemble.js';
import type { Prediction } from '../models/predict.js';
import { riskOf } from '../targets/risk.js';
import type { RegressionTarget, SurvivalTarget } from '../targets/target.js';
import { AttentionFiles } from './attention-files.js';
import { checkOrigins } from './check-origin.js';
import type { Member } from './load-ensemble.js';
import type { PredictWith } from './parameters.js';
import { describe, writeTexts } from './prediction-files.js';
import { lockRisks, type LockedRisks } from '../cohort/lock-risks.js';
import { scoreFoldTable, scoreTable, type ScoredRow } from './score-tables.js';
import { scoreSlides } from './score-slides.js';

/** What the checkpoints give for one slide, and their mean. */
interface SlideScores {
  /** Risk or value by each checkpoint. */
  folds: number[];
  /** The same on the scale on which they are averaged. */
  scaled: number[];
  score: number;
  spread: number;
}

/**
 * Predicts risks or values. Hazards: mean of the risks. Cox: each checkpoint's log hazards are standardized
 * by its own training patients before the mean, because they have no common scale. Regression: mean.
 */
export function predictScores(
  job: Job<PredictWith>,
  members: readonly Member[],
  bags: readonly BagEntry[],
  target: SurvivalTarget | RegressionTarget,
): JobResult {
  const { level, labels } = job.with;
  const locked = lockedFor(members, target);
  const facts = patientFacts(job);
  checkOrigins(bags, members, job.with.mismatch, (message) => job.log('warn', message));
  // What cannot be combined is refused before the slides are scored.
  if (level === 'patient') patientsOf(bags.map(({ key }) => facts(key)), labels?.path); // prettier-ignore
  const attention = job.with.attention ? new AttentionFiles(job.scratch, job.with.topPatches) : undefined;
  const combine = (outputs: readonly Prediction[]) => combined(outputs, members, locked);
  const scored = scoreSlides(job, members, bags, combine, attention && attention.add.bind(attention));
  const rows = scored.map((slide): ScoredRow => ({ ...slide, ...facts(slide.key) }));
  const threshold = { value: locked?.threshold ?? null, from: locked?.from ?? 'regression calls nothing' };
  const patients = level === 'patient' ? patientRows(job, rows, scored) : undefined;
  const texts: Record<string, string> = {
    'predictions.csv': scoreTable(rows, 'slide', locked?.threshold),
    'folds.csv': scoreFoldTable(scored, members, target.endpoint),
    'ensemble.json': formatEnsembleFile(describe(job, members, threshold)),
    ...(attention && { 'top-patches.csv': attention.topTable() }),
    ...(patients && { 'patients.csv': scoreTable(patients, 'patient', locked?.threshold) }),
  };
  return {
    files: writeTexts(job, texts),
    ...(attention && { alongside: attention.files }),
    values: {
      slides: rows.length,
      ...(patients && { patients: patients.length }),
      checkpoints: members.length,
      model: members[0].model.config.model,
      endpoint: target.endpoint,
      ...(locked && { threshold: locked.threshold, 'threshold-from': locked.from }),
    },
  };
}

/** What the training risks determine; undefined for a regression. */
function lockedFor(
  members: readonly Member[],
  target: SurvivalTarget | RegressionTarget,
): LockedRisks | undefined {
  if (target.endpoint === 'regression') return undefined;
  return lockRisks(members.map(({ name, model: { training } }) => ({ name, training })), target.head); // prettier-ignore
}

function combined(
  outputs: readonly Prediction[],
  members: readonly Member[],
  locked: LockedRisks | undefined,
): SlideScores {
  const folds = outputs.map(({ logits }, i) => {
    const { target } = members[i].model;
    return target.endpoint === 'survival' ? riskOf(logits, target) : logits[0];
  });
  const scaled = folds.map((value, i) => locked?.scaled(value, i) ?? value);
  return {
    ...{ folds, scaled },
    score: meanOfFolds(scaled.map((value) => [value]))[0],
    spread: spreadOfFolds(scaled),
  };
}

/** The patient of each slide, as far as a table states it. */
function patientFacts(job: Job<PredictWith>): (key: string) => Pick<Case, 'key' | 'patient'> {
  const { labels } = job.with;
  if (labels === undefined) return (key) => ({ key });
  const table = readSlideTable(labels.path, undefined, job.with);
  const keys = listBags(job.with.bags.path, job.work, job.with.encoder).map(({ key }) => key);
  const joined = joinTable(keys, table);
  return (key) => {
    const patient = joined.factsOf(key)?.patient;
    return { key, ...(patient !== undefined && { patient }) };
  };
}

/** Patient scores of the ensemble, and the spread of the patient scores of its checkpoints. */
function patientRows(
  { with: { patientScore: by, labels } }: Job<PredictWith>,
  rows: readonly ScoredRow[],
  scored: readonly SlideScores[],
): ScoredRow[] {
  const patients = patientsOf(rows, labels?.path);
  const cases = (score: (i: number) => number) =>
    combineCases(rows.map(({ key }, i) => ({ key, score: score(i) })), patients, by); // prettier-ignore
  const folds = scored[0].scaled.map((_, fold) => cases((i) => scored[i].scaled[fold]));
  return cases((i) => rows[i].score).map((patient, i) => ({
    ...patient,
    spread: spreadOfFolds(folds.map((fold) => fold[i].score)),
  }));
}
