import type { Job } from '../../job.js';
import { trainedOrigin, type BagOrigin } from '../bags/bag-origin.js';
import { memberFiles, refuseMixedMembers, sortMembers, type MemberFile } from '../cohort/ensemble-members.js';
import { readCheckpoint } from '../models/checkpoint.js';
import { loadModel, type LoadedModel } from '../models/predict.js';
import type { PredictWith } from './parameters.js';

export interface Member extends MemberFile {
  model: LoadedModel;
  origin: BagOrigin | undefined;
}

/**
 * Loads the checkpoints of an ensemble, in the order of their folds, after checking that they are of one
 * model. The caller disposes of the models.
 *
 * @throws SamMilError InvalidInput for checkpoints of different models, as `loadModel`
 */
export async function loadEnsemble(job: Job<PredictWith>): Promise<Member[]> {
  const files = memberFiles(job.with, job.work).map((file) => {
    const { config, target, groupFeatures, training } = readCheckpoint(file.path);
    return { ...file, head: { config, target, groupFeatures, training } };
  });
  refuseMixedMembers(sortMembers(files));
  const members: Member[] = [];
  try {
    for (const { name, path, digest, head } of files) {
      const model = await loadModel(path, job.with.backend);
      members.push({ name, path, digest, model, origin: trainedOrigin(head.training) });
    }
  } catch (error) {
    disposeEnsemble(members);
    throw error;
  }
  return members;
}

export function disposeEnsemble(members: readonly Member[]): void {
  for (const { model } of members) model.dispose();
}
