import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { LoadedModel } from '../models/predict.js';
import { digestOfSlides } from '../split/fold-part.js';
import { findFold, SET_NAMES, type SetName, type Splits } from '../split/splits.js';
import { refuseOtherSlides } from '../split/trained-slides.js';
import type { Target } from '../targets/target.js';
import type { HeadFacts } from './endpoint-files.js';
import type { EvaluateWith } from './parameters.js';

/** The parameters of an evaluation of a fold. */
export type FoldWith = EvaluateWith & Required<Pick<EvaluateWith, 'checkpoint' | 'bags' | 'splits'>>;

/**
 * Reads what the checkpoint states about its training, and checks it against the splits.
 *
 * @throws SamMilError InvalidInput where it was trained on another target or other splits, because training
 *   might have included the test slides
 */
export function readFacts(job: Job<FoldWith>, model: LoadedModel, splits: Splits): HeadFacts {
  const { checkpoint, set, level = 'slide', patientScore = 'mean' } = job.with;
  const { training } = model;
  const { repeat, fold } = training;
  const place = { file: checkpoint.path };
  if (typeof repeat !== 'number' || typeof fold !== 'number') {
    throw new SamMilError(
      'InvalidInput',
      'the checkpoint does not state on which fold it was trained',
      place,
    );
  }
  refuseOtherTarget(model.target, splits, checkpoint.path);
  const sets = findFold(splits, repeat, fold);
  refuseOtherSlides(training, { splits, fold: sets }, checkpoint);
  const slides = SET_NAMES.map((name) => digestOfSlides(splits, sets[name]));
  return {
    cell: job.name,
    model: model.config.model,
    repeat,
    fold,
    seed: splits.repeats.find((entry) => entry.repeat === repeat)?.seed ?? splits.seed,
    set,
    level,
    selection: describeSelection(model, set),
    training: {
      ...withoutScores(training),
      options: model.config.options,
      group_features: model.groupFeatures,
      ...(level === 'patient' && { 'patient-score': patientScore }),
    },
    sources: { checkpoint: checkpoint.digest, splits: digestOfJson(slides) },
  };
}

function refuseOtherTarget(target: Target, splits: Splits, file: string): void {
  const trained = textOfTarget(target);
  const expected = textOfSplits(splits);
  if (trained === expected) return;
  const classes = target.endpoint === 'classification' && splits.endpoint === 'classification';
  throw new SamMilError(
    'InvalidInput',
    `checkpoint and splits have different ${classes ? 'classes' : 'targets'}`,
    { file, expected, found: trained },
  );
}

function textOfTarget(target: Target): string {
  if (target.endpoint === 'classification') return target.classes.join(', ');
  return `${target.endpoint} of ${target.endpoint === 'survival' ? target.time : target.value}`;
}

function textOfSplits({ endpoint, classes, quantity = '' }: Splits): string {
  return endpoint === 'classification' ? classes.join(', ') : `${endpoint} of ${quantity}`;
}

/** Validation scores and risks of the training patients are in the checkpoint. */
function withoutScores({ 'validation-scores': _, survival: _risks, ...training }: JsonObject): JsonObject {
  return training;
}

const SCORE = { classification: 'AUC', survival: 'concordance', regression: 'RMSE' } as const;

function describeSelection({ training, target }: LoadedModel, set: SetName): HeadFacts['selection'] {
  const epoch = typeof training['best-epoch'] === 'number' ? training['best-epoch'] : null;
  if (typeof training.select !== 'string' || training.select === 'last') {
    return { epoch, by: 'last epoch', optimistic: false };
  }
  const on = training['validate-on'] === 'test' ? 'test' : 'val';
  const optimistic = on === set;
  const best = `best ${SCORE[target.endpoint]} on`;
  return { epoch, by: optimistic ? `${best} the scored slides` : `${best} ${on}`, optimistic };
}
