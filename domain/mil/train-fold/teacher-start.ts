import { SamMilError } from '../../errors.js';
import type { InputFile } from '../../job.js';
import { readCheckpoint, weightsFor } from '../models/checkpoint.js';
import type { Checkpoint } from '../models/model.js';
import type { Model } from '../models/model.js';
import type { Fold, Splits } from '../split/splits.js';
import { refuseOtherSlides } from '../split/trained-slides.js';
import type { TrainingPlan } from './training-plan.js';
import { digestOfJson } from '../../digest.js';
import type { Target } from '../targets/target.js';

/** The settings that a teacher must share with the training that it initializes. */
export interface TeacherSettings {
  model: string;
  repeat: number;
  fold: number;
  standardize: boolean;
  teacher?: InputFile;
}

/**
 * Reads a teacher's initial weights from a checkpoint, whose embedding also initializes the student, as in
 * the published MHIM-MIL.
 *
 * @throws SamMilError InvalidInput where the model has no teacher, or where the checkpoint belongs to a
 *   different fold (its training included this fold's test slides), to a different target, to different
 *   features, or to a model other than the baseline
 */
export function teacherStart(
  settings: TeacherSettings,
  split: { splits: Splits; fold: Fold; target: Target },
  model: Model,
  warn: (message: string) => void,
): TrainingPlan['start'] {
  const { teacher, model: name } = settings;
  if (teacher === undefined) return undefined;
  if (model.teacherMomentum === undefined || name !== 'mhim-mil') {
    throw new SamMilError('InvalidInput', `\`teacher\` has no effect on model ${name}`, {
      expected: '`teacher` only with mhim-mil',
    });
  }
  const checkpoint = readCheckpoint(teacher.path);
  refuseOtherFold(checkpoint, { ...settings, ...split }, teacher, warn);
  refuseOtherTarget(checkpoint, split.target, teacher);
  refuseOtherScale(checkpoint, settings, teacher);
  const weights = weightsFor(checkpoint, model.parameters, teacher.path);
  const embedding = Object.entries(weights).filter(([parameter]) => parameter.startsWith('embed.'));
  return { teacher: weights, student: Object.fromEntries(embedding) };
}

function refuseOtherFold(
  { training }: Checkpoint,
  { splits, repeat, fold }: { splits: Splits; repeat: number; fold: Fold },
  teacher: InputFile,
  warn: (message: string) => void,
): void {
  if (typeof training.repeat !== 'number' || typeof training.fold !== 'number') {
    warn(
      `${teacher.path} does not state on which fold it was trained: its training may have included test slides of this fold`,
    );
    return;
  }
  if (training.repeat === repeat && training.fold === fold.fold) {
    refuseOtherSlides(training, { splits, fold }, teacher);
    return;
  }
  throw new SamMilError(
    'InvalidInput',
    'the teacher was trained on a different fold, which includes test slides of this one',
    {
      file: teacher.path,
      expected: `repeat ${repeat}, fold ${fold.fold}`,
      found: `repeat ${training.repeat}, fold ${training.fold}`,
    },
  );
}

/**
 * Its outputs would mean something else, even if their number is the same. Files of the published code do not
 * name their classes.
 */
function refuseOtherTarget({ target: found }: Checkpoint, target: Target, teacher: InputFile): void {
  if (found.endpoint === 'classification' && target.endpoint === 'classification') return;
  if (digestOfJson(found) === digestOfJson(target)) return;
  throw new SamMilError('InvalidInput', 'the teacher was trained on a different target', {
    file: teacher.path,
    expected: describeTarget(target),
    found: describeTarget(found),
    next: 'train the teacher with the same `splits`, `loss` and `time-bins`',
  });
}

function describeTarget(target: Target): string {
  if (target.endpoint === 'classification') return `classes ${target.classes.join(', ')}`;
  if (target.endpoint === 'regression') return `regression of ${target.value}`;
  const bins = target.head === 'hazard' ? ` with the edges ${target.edges.join(', ')}` : '';
  return `survival of ${target.time}, head ${target.head}${bins}`;
}

function refuseOtherScale(
  { standardization }: Checkpoint,
  { standardize }: TeacherSettings,
  teacher: InputFile,
): void {
  if (standardize === (standardization !== undefined)) return;
  const describe = (yes: boolean) => `${yes ? 'standardized' : 'unscaled'} features`;
  throw new SamMilError('InvalidInput', 'the teacher was trained on differently scaled features', {
    file: teacher.path,
    expected: describe(standardize),
    found: describe(!standardize),
    next: 'set `standardize` to the same value in both trainings',
  });
}
