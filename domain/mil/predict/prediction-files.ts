import { join } from 'node:path';
import { writeAtomic } from '../../files/atomic.js';
import type { Job, OutputFile } from '../../job.js';
import { ensembleTarget, type EnsembleFile } from '../cohort/ensemble-file.js';
import { storedValidation, type LockedThreshold } from '../cohort/lock-threshold.js';
import { storedRisks } from '../cohort/training-risks.js';
import type { Member } from './load-ensemble.js';
import type { PredictWith } from './parameters.js';

/** What made the predictions, for ensemble.json. */
export function describe(
  { with: { combine, level, patientScore } }: Job<PredictWith>,
  members: readonly Member[],
  threshold: LockedThreshold,
): EnsembleFile {
  const { config, target } = members[0].model;
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  return {
    ensemble: 2,
    model: config.model,
    target: ensembleTarget(target),
    combine,
    checkpoints: members.map(({ name, digest, model: { training } }) => ({
      ...{ name, digest },
      repeat: number(training.repeat),
      fold: number(training.fold),
      seed: number(training.seed),
      validation: storedValidation(training) ?? null,
      ...(target.endpoint === 'survival' && { training_risks: storedRisks(training, name) }),
    })),
    ...{ threshold, level, patient_score: patientScore },
  };
}

/** Writes the files of a prediction to its scratch folder. */
export function writeTexts({ scratch }: Job<PredictWith>, texts: Readonly<Record<string, string>>) {
  const files = Object.entries(texts).map(([to, text]): [string, OutputFile] => {
    const from = join(scratch, to);
    writeAtomic(from, text);
    return [to === 'patients.csv' ? 'patient-predictions' : to.replace(/\.\w+$/, ''), { from, to }];
  });
  return Object.fromEntries(files);
}
