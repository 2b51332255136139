import { SamMilError } from '../../errors.js';
import type { InputFile } from '../../job.js';
import { readCheckpoint, weightsFor } from '../models/checkpoint.js';
import type { Checkpoint } from '../models/model.js';
import type { Model } from '../models/model.js';
import { refuseOtherSplits } from '../split/splits.js';
import type { TrainingPlan } from './train.js';

/** What a teacher must have in common with the training that it begins. */
export interface TeacherSettings {
  model: string;
  repeat: number;
  fold: number;
  splits: InputFile;
  standardize: boolean;
  teacher?: InputFile;
}

/**
 * A teacher's first weights from a checkpoint, of which the student takes the embedding: how MHIM-MIL is published.
 * @throws SamMilError InvalidInput where the model has no teacher, where the checkpoint is of another fold (it would have seen this one's test slides),
 *   looked at other features, or is of another model than the baseline
 */
export function teacherStart(
  settings: TeacherSettings,
  model: Model,
  warn: (message: string) => void,
): TrainingPlan['start'] {
  const { teacher, model: name } = settings;
  if (teacher === undefined) return undefined;
  if (model.teacherMomentum === undefined || name !== 'mhim-mil') {
    throw new SamMilError('InvalidInput', `\`teacher\` has no meaning for model ${name}`, {
      expected: 'it on mhim-mil only',
    });
  }
  const checkpoint = readCheckpoint(teacher.path);
  refuseOtherFold(checkpoint, settings, teacher, warn);
  refuseOtherScale(checkpoint, settings, teacher);
  const weights = weightsFor(checkpoint, model.parameters, teacher.path);
  const embedding = Object.entries(weights).filter(([parameter]) => parameter.startsWith('embed.'));
  return { teacher: weights, student: Object.fromEntries(embedding) };
}

function refuseOtherFold(
  { training }: Checkpoint,
  { splits, repeat, fold }: TeacherSettings,
  teacher: InputFile,
  warn: (message: string) => void,
): void {
  if (typeof training.repeat !== 'number' || typeof training.fold !== 'number') {
    warn(
      `${teacher.path} does not say which fold it was trained on: it may have seen the slides that this fold tests`,
    );
    return;
  }
  refuseOtherSplits(training, splits, teacher);
  if (training.repeat === repeat && training.fold === fold) return;
  throw new SamMilError(
    'InvalidInput',
    'the teacher was trained on another fold: it has seen slides that this one tests',
    {
      file: teacher.path,
      expected: `repeat ${repeat}, fold ${fold}`,
      found: `repeat ${training.repeat}, fold ${training.fold}`,
    },
  );
}

function refuseOtherScale(
  { standardization }: Checkpoint,
  { standardize }: TeacherSettings,
  teacher: InputFile,
): void {
  if (standardize === (standardization !== undefined)) return;
  const said = (yes: boolean) => `features ${yes ? 'standardized' : 'as they are'}`;
  throw new SamMilError('InvalidInput', 'the teacher was trained on other features', {
    file: teacher.path,
    expected: said(standardize),
    found: said(!standardize),
    next: 'set `standardize` alike in both trainings',
  });
}
