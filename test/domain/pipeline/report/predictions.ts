import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../../domain/digest.js';
import type { ItemRecord } from '../../../../domain/job.js';
import { formatEnsembleFile } from '../../../../domain/mil/cohort/ensemble-file.js';
import { foldTable, predictionTable } from '../../../../domain/mil/predict/prediction-tables.js';
import { spreadOfFolds } from '../../../../domain/mil/combine/ensemble.js';
import { fileRef, record } from './support.js';

/** Probability of the second class by each checkpoint. */
export interface PredictedFolds {
  classes: [string, string];
  slides: Readonly<Record<string, readonly number[]>>;
}

/** The item of a mil.predict stage, with the files as it writes them. */
export function writePredictions(work: string, { classes, slides }: PredictedFolds): ItemRecord {
  mkdirSync(join(work, 'predict'), { recursive: true });
  const threshold = { value: 0.5, from: 'half' };
  const rows = Object.entries(slides).map(([key, folds]) => {
    const mean = folds.reduce((sum, value) => sum + value, 0) / folds.length;
    const spread = spreadOfFolds(folds);
    return {
      ...{ key, label: null, probabilities: [1 - mean, mean], spread: [spread, spread] },
      folds: folds.map((value) => [1 - value, value]),
    };
  });
  const members = rows[0].folds.map((_, fold) => ({
    ...{ name: `abmil-0-${fold}`, digest: digestOf(`checkpoint ${fold}`), repeat: 0, fold, seed: 1 },
    validation: null,
  }));
  const texts = {
    predictions: predictionTable(rows, classes, threshold, 'slide'),
    folds: foldTable(rows, members, classes),
  };
  const ensemble = formatEnsembleFile({
    ...{ ensemble: 2, model: 'abmil', target: { endpoint: 'classification', classes } },
    ...{ combine: 'probabilities', checkpoints: members },
    ...{ threshold, level: 'slide', patient_score: 'mean' },
  });
  const files = { 'predictions.csv': texts.predictions, 'folds.csv': texts.folds, 'ensemble.json': ensemble };
  const outputs = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(work, 'predict', name), text);
    return [name.replace(/\.\w+$/, ''), fileRef(work, `predict/${name}`)];
  });
  return record('predict', {}, Object.fromEntries(outputs) as ItemRecord['outputs']);
}
