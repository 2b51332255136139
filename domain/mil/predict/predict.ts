import { SamMilError } from '../../errors.js';
import type { Job, JobResult } from '../../job.js';
import { listBags, type BagEntry } from '../bags/bags.js';
import { firstNames } from '../bags/first-names.js';
import { combineProbabilities } from '../combine/patient-scores.js';
import { spreadOfFolds } from '../combine/ensemble.js';
import { refuseClassOptions } from '../cohort/endpoint-options.js';
import { formatEnsembleFile } from '../cohort/ensemble-file.js';
import { lockThreshold, storedValidation, type LockedThreshold } from '../cohort/lock-threshold.js';
import { combinePatients, patientsOf } from '../cohort/patient-level.js';
import { joinTable, readSlideTable } from '../cohort/slide-table.js';
import { AttentionFiles } from './attention-files.js';
import { checkOrigins } from './check-origin.js';
import { disposeEnsemble, loadEnsemble, type Member } from './load-ensemble.js';
import type { PredictWith } from './parameters.js';
import { predictScores } from './predict-scores.js';
import { describe, writeTexts } from './prediction-files.js';
import { foldTable, predictionTable, type PredictedRow } from './prediction-tables.js';
import { combinedClasses, scoreSlides, type SlidePrediction } from './score-slides.js';

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
    const { target } = members[0].model;
    const { threshold: rule, combine, patientScore } = job.with;
    refuseClassOptions(target.endpoint, {
      ...(rule !== undefined && { threshold: rule }),
      combine,
      patientScore,
    });
    if (target.endpoint !== 'classification') return predictScores(job, members, bags, target);
    return predictClasses(job, members, bags);
  } finally {
    disposeEnsemble(members);
  }
}

function predictClasses(
  job: Job<PredictWith>,
  members: readonly Member[],
  bags: readonly BagEntry[],
): JobResult {
  const { classes } = members[0].model;
  const slideThreshold = lock(job, members, 'slide');
  const threshold = job.with.level === 'patient' ? lock(job, members, 'patient') : slideThreshold;
  const facts = slideFacts(job, classes);
  checkOrigins(bags, members, job.with.mismatch, (message) => job.log('warn', message));
  // What cannot be combined is refused before the slides are scored.
  const known = bags.map(({ key }) => ({ key, probabilities: [], ...facts(key) }));
  if (job.with.level === 'patient') patientsOf(known, job.with.labels?.path);
  const attention = job.with.attention ? new AttentionFiles(job.scratch, job.with.topPatches) : undefined;
  const scored = scoreSlides(
    ...([job, members, bags] as const),
    (outputs) => combinedClasses(outputs, job.with.combine),
    attention && attention.add.bind(attention),
  );
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
      endpoint: 'classification',
      classes,
      threshold: threshold.value,
      'threshold-from': threshold.from,
    },
  };
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
