import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import type { Job, JobResult, OutputFile } from '../../job.js';
import { listBags } from '../bags/bags.js';
import { firstNames } from '../bags/first-names.js';
import { combineProbabilities } from '../combine/patient-scores.js';
import { spreadOfFolds } from '../combine/ensemble.js';
import { formatEnsembleFile, type EnsembleFile } from '../cohort/ensemble-file.js';
import { lockThreshold, storedValidation, type LockedThreshold } from '../cohort/lock-threshold.js';
import { combinePatients, patientsOf } from '../cohort/patient-level.js';
import { joinTable, readSlideTable } from '../cohort/slide-table.js';
import { AttentionFiles } from './attention-files.js';
import { checkOrigins } from './check-origin.js';
import { disposeEnsemble, loadEnsemble, type Member } from './load-ensemble.js';
import type { PredictWith } from './parameters.js';
import { foldTable, predictionTable, type PredictedRow } from './prediction-tables.js';
import { scoreSlides, type SlidePrediction } from './score-slides.js';

/**
 * Applies trained checkpoints to the bags of slides that no split knows: probabilities of each checkpoint and
 * of the ensemble, their spread, and the class called by the threshold that was locked at training.
 */
export async function run(job: Job<PredictWith>): Promise<JobResult> {
  const bags = listBags(job.with.bags.path, job.work, job.with.encoder);
  if (bags.length === 0) {
    throw new SamMilError('InvalidInput', 'there is no bag to predict', { file: job.with.bags.path });
  }
  const members = await loadEnsemble(job);
  try {
    const { classes } = members[0].model;
    const slideThreshold = lock(job, members, 'slide');
    const threshold = job.with.level === 'patient' ? lock(job, members, 'patient') : slideThreshold;
    const facts = slideFacts(job, classes);
    checkOrigins(bags, members, job.with.mismatch, (message) => job.log('warn', message));
    // What cannot be combined is refused before the slides are scored.
    const known = bags.map(({ key }) => ({ key, probabilities: [], ...facts(key) }));
    if (job.with.level === 'patient') patientsOf(known, job.with.labels?.path);
    const attention = job.with.attention ? new AttentionFiles(job.scratch, job.with.topPatches) : undefined;
    const scored = scoreSlides(job, members, bags, attention && attention.add.bind(attention));
    const rows = scored.map((slide): PredictedRow => ({ ...slide, ...facts(slide.key) }));
    const texts: Record<string, string> = {
      'predictions.csv': predictionTable(rows, classes, slideThreshold, 'slide'),
      'folds.csv': foldTable(scored, members, classes),
      'ensemble.json': formatEnsembleFile(describe(job, members, threshold)),
      ...(attention && { 'top-patches.csv': attention.topTable() }),
    };
    let decided = rows;
    if (job.with.level === 'patient') {
      decided = patientRows(job, rows, scored, classes);
      texts['patients.csv'] = predictionTable(decided, classes, threshold, 'patient');
    }
    return {
      files: writeTexts(job, texts),
      ...(attention && { alongside: attention.files }),
      values: {
        slides: rows.length,
        ...(job.with.level === 'patient' && { patients: decided.length }),
        checkpoints: members.length,
        model: members[0].model.config.model,
        classes,
        threshold: threshold.value,
        'threshold-from': threshold.from,
      },
    };
  } finally {
    disposeEnsemble(members);
  }
}

function lock(
  { with: { threshold: rule, patientScore: combination } }: Job<PredictWith>,
  members: readonly Member[],
  level: 'slide' | 'patient',
): LockedThreshold {
  const validations = members.map(({ model }) => storedValidation(model.training));
  return lockThreshold(validations, {
    classes: members[0].model.classes,
    ...(rule !== undefined && { rule: rule }),
    ...{ level, combination },
  });
}

/** Label and patient of each slide, as far as a table states them. */
function slideFacts(job: Job<PredictWith>, classes: readonly string[]) {
  const { labels } = job.with;
  if (labels === undefined) return (): Pick<PredictedRow, 'label' | 'patient'> => ({ label: null });
  const table = readSlideTable(labels.path, classes, job.with);
  const keys = listBags(job.with.bags.path, job.work, job.with.encoder).map(({ key }) => key);
  const joined = joinTable(keys, table);
  if (joined.missing.length > 0 && table.has.label) {
    job.log('warn', `no label for ${joined.missing.length} slides: ${firstNames(joined.missing)}`);
  }
  return (key: string): Pick<PredictedRow, 'label' | 'patient'> => {
    const row = joined.factsOf(key);
    return { label: row?.label ?? null, ...(row?.patient !== undefined && { patient: row.patient }) };
  };
}

/** Patient scores of the ensemble, and the spread of the patient scores of its checkpoints. */
function patientRows(
  { with: { patientScore: by, labels } }: Job<PredictWith>,
  rows: readonly PredictedRow[],
  scored: readonly SlidePrediction[],
  classes: readonly string[],
): PredictedRow[] {
  const patients = patientsOf(rows, labels?.path);
  const folds = scored[0].folds.map((_, fold) =>
    combineProbabilities(
      scored.map((slide) => slide.folds[fold]),
      patients,
      by,
    ),
  );
  return combinePatients(rows, patients, by, classes).map((patient, i) => ({
    ...patient,
    spread: classes.map((_, k) => spreadOfFolds(folds.map((fold) => fold[i][k]))),
  }));
}

function describe(
  { with: { combine, level, patientScore } }: Job<PredictWith>,
  members: readonly Member[],
  threshold: LockedThreshold,
): EnsembleFile {
  const { config, classes } = members[0].model;
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  return {
    ensemble: 1,
    model: config.model,
    classes,
    combine,
    checkpoints: members.map(({ name, digest, model: { training } }) => ({
      ...{ name, digest },
      repeat: number(training.repeat),
      fold: number(training.fold),
      seed: number(training.seed),
      validation: storedValidation(training) ?? null,
    })),
    ...{ threshold, level, patient_score: patientScore },
  };
}

function writeTexts({ scratch }: Job<PredictWith>, texts: Readonly<Record<string, string>>) {
  const files = Object.entries(texts).map(([to, text]): [string, OutputFile] => {
    const from = join(scratch, to);
    writeAtomic(from, text);
    return [to === 'patients.csv' ? 'patient-predictions' : to.replace(/\.\w+$/, ''), { from, to }];
  });
  return Object.fromEntries(files);
}
