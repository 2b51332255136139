import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InputFile } from '../../../domain/job.js';
import type { JsonObject } from '../../../domain/json.js';
import { initialWeights } from '../../../domain/mil/compute/parameters.js';
import { buildModel } from '../../../domain/mil/models/build-model.js';
import { writeCheckpoint } from '../../../domain/mil/models/checkpoint.js';
import { resolveOptions } from '../../../domain/mil/models/registry.js';
import { formatSplits, type Splits } from '../../../domain/mil/split/splits.js';
import { outputsOf, type Target } from '../../../domain/mil/targets/target.js';
import { makeCohort, type Cohort } from './cohort.js';
import { inputFile } from './support.js';

export const HAZARD: Target = {
  endpoint: 'survival',
  head: 'hazard',
  time: 'os_months',
  edges: [10, 20, 30],
};
export const COX: Target = { endpoint: 'survival', head: 'cox', time: 'os_months' };
export const VALUE: Target = { endpoint: 'regression', value: 'her2' };

/** Times of 20 slides, two of each patient; two of three patients have the event. */
export const followUpOf = (i: number): { time: number; event: 0 | 1 } => ({
  time: 3 + 4 * ((7 * (i >> 1)) % 10),
  event: (i >> 1) % 3 === 2 ? 0 : 1,
});
export const patientOf = (i: number) => `P${i >> 1}`;

/** A cohort whose fold 0 tests its last 8 slides. */
export function makeEndpointCohort(folder: string, endpoint: 'survival' | 'regression'): Cohort {
  const cohort = makeCohort(folder);
  const { keys } = cohort;
  const of = <T>(value: (i: number) => T) => Object.fromEntries(keys.map((key, i) => [key, value(i)]));
  const splits: Splits = {
    ...{ splits: 1, scheme: 'stratified', seed: 2021, endpoint, classes: ['low', 'high'] },
    labels: of((i) => i % 2),
    ...(endpoint === 'survival'
      ? { quantity: 'os_months', followUp: of(followUpOf) }
      : { quantity: 'her2', values: of((i) => (i % 5) + i / 10) }),
    groups: of(patientOf),
    repeats: [
      {
        repeat: 0,
        seed: 2021,
        folds: [{ fold: 0, train: keys.slice(0, 12), val: [], test: keys.slice(12) }],
      },
    ],
  };
  if (endpoint === 'regression') delete splits.groups;
  writeFileSync(cohort.splits.path, formatSplits(splits));
  return { ...cohort, splits: inputFile(cohort.splits.path) };
}

/** Risks of the training patients, as a checkpoint stores them. */
export const TRAINING_RISKS = {
  times: [5, 9, 14, 22, 28, 33, 41, 60],
  events: [1, 0, 1, 1, 0, 1, 0, 0],
  risks: [0.75, 0.5, -0.25, -0.5, -1, -1.5, -2, -2.5],
};

/** Writes a checkpoint of AB-MIL with random weights. */
export async function writeRandomCheckpoint(
  path: string,
  target: Target,
  training: JsonObject = {},
  seed = 1,
): Promise<InputFile> {
  const config = {
    ...{ model: 'abmil', dim: 24, outputs: outputsOf(target), endpoint: target.endpoint },
    ...{ embedDim: 16, attentionDim: 8, dropout: 0, options: resolveOptions('abmil', {}) },
  };
  const model = await buildModel(config);
  const weights = initialWeights(model.parameters, 'endpoint', seed);
  const facts = {
    ...{ repeat: 0, fold: 0, seed: 7, select: 'last' },
    ...(target.endpoint === 'survival' && { survival: TRAINING_RISKS }),
    ...training,
  };
  writeCheckpoint(path, { config, target, groupFeatures: true, weights, training: facts }, model.parameters);
  return inputFile(path);
}

export const checkpointPath = (folder: string, name: string) => join(folder, `${name}.safetensors`);
