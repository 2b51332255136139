import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import type { Job, JobResult } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { encoderFacts } from '../bags/bag-facts.js';
import { selectBags, listBags, loadBag, type BagEntry, type HostBag } from '../bags/bags.js';
import { evaluateExternal } from './evaluate-external.js';
import type { EvaluationOptions, Prediction } from './evaluate-predictions.js';
import { writeEvaluation, type FoldFacts } from './evaluation-files.js';
import { loadModel, predict, type LoadedModel } from '../models/predict.js';
import { digestOfSlides } from '../split/fold-part.js';
import { findFold, readSplits, SET_NAMES, type SetName, type Splits } from '../split/splits.js';
import { refuseOtherSlides } from '../split/trained-slides.js';
import { setsToScore } from './sets-to-score.js';
import type { EvaluateWith } from './parameters.js';

/** The parameters of an evaluation of a fold. */
type FoldWith = EvaluateWith & Required<Pick<EvaluateWith, 'checkpoint' | 'bags' | 'splits'>>;

/** Scores predictions of another cohort, or the fold on which a checkpoint was trained. */
export async function run(job: Job<EvaluateWith>): Promise<JobResult> {
  const { checkpoint, bags, splits, predictions, threshold } = job.with;
  if (predictions !== undefined) return evaluateExternal(job, predictions);
  if (checkpoint === undefined || bags === undefined || splits === undefined) {
    throw new SamMilError('InvalidInput', 'set `checkpoint`, `bags` and `splits`, or `predictions`');
  }
  const rule =
    typeof threshold === 'number' ? { value: threshold, from: `given: ${threshold}` } : foldRule(threshold);
  return evaluateFold({ ...job, with: { ...job.with, checkpoint, bags, splits } }, rule);
}

function foldRule(threshold: string): 'validation' | 'half' {
  if (threshold === 'validation' || threshold === 'half') return threshold;
  throw new SamMilError('InvalidInput', '`threshold: mean` is for the predictions of several checkpoints', {
    expected: '`validation`, `half` or a number for a fold',
  });
}

/**
 * Scores one set of the fold on which a checkpoint was trained, and writes every metric under both protocols.
 */
async function evaluateFold(
  job: Job<FoldWith>,
  threshold: EvaluationOptions['threshold'],
): Promise<JobResult> {
  const options = job.with;
  const splits = readSplits(options.splits.path);
  const model = await loadModel(options.checkpoint.path, options.backend);
  try {
    if (options.ordered && model.classes.length === 2)
      job.log('warn', '`ordered` has no effect with two classes');
    const facts = readFacts(job, model, splits);
    const fold = findFold(splits, facts.repeat, facts.fold);
    const calibration = setsToScore({
      set: options.set,
      threshold: typeof threshold === 'string' ? threshold : 'half',
    })
      .slice(1)
      .flatMap((set) => fold[set]);
    const keys = [...fold[options.set], ...calibration];
    const bags = selectBags(keys, listBags(options.bags.path, job.work, options.encoder), options);
    const score = makeScorer(job, model, splits, bags, keys.length);
    const scored = score(fold[options.set]);
    const validation = score(calibration);
    const features = encoderFacts(bags.get(fold[options.set][0])!.features);
    const training = { ...facts.training, ...(Object.keys(features).length > 0 ? { features } : {}) };
    return writeEvaluation(
      job.scratch,
      { ...facts, training },
      { scored, validation },
      { threshold, bootstrap: options.bootstrap, ordered: options.ordered },
    );
  } finally {
    model.dispose();
  }
}

/**
 * Returns a function that scores slides by key, with one bag in memory at a time, and reports progress across
 * its calls.
 */
function makeScorer(
  job: Job<FoldWith>,
  model: LoadedModel,
  splits: Splits,
  bags: ReadonlyMap<string, BagEntry>,
  total: number,
): (keys: readonly string[]) => Prediction[] {
  let done = 0;
  const score = (key: string): Prediction => {
    job.signal.throwIfAborted();
    const bag = loadBag(bags.get(key)!, { groupFeatures: model.groupFeatures });
    const { probabilities } = predicted(model, bag, key);
    job.progress({ unit: 'slides', done: ++done, total });
    return { key, label: splits.labels[key], probabilities: [...probabilities] };
  };
  return (keys) => keys.map(score);
}

function predicted(model: LoadedModel, bag: HostBag, key: string): ReturnType<typeof predict> {
  try {
    return predict(model, bag);
  } catch (error) {
    throw error instanceof SamMilError ? error.at(`slide "${key}"`) : error;
  }
}

/**
 * Reads what the checkpoint states about its training, and checks it against the splits.
 *
 * @throws SamMilError InvalidInput where it was trained on different classes or splits, because training
 *   might have included the test slides
 */
function readFacts(job: Job<FoldWith>, model: LoadedModel, splits: Splits): FoldFacts {
  const { checkpoint, set, protocol } = job.with;
  const { training, classes } = model;
  const { repeat, fold } = training;
  const place = { file: checkpoint.path };
  if (typeof repeat !== 'number' || typeof fold !== 'number') {
    throw new SamMilError(
      'InvalidInput',
      'the checkpoint does not state on which fold it was trained',
      place,
    );
  }
  if (classes.join('\n') !== splits.classes.join('\n')) {
    throw new SamMilError('InvalidInput', 'checkpoint and splits have different classes', {
      ...place,
      expected: splits.classes.join(', '),
      found: classes.join(', '),
    });
  }
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
    level: 'slide',
    classes,
    protocol,
    selection: describeSelection(model, set),
    training: {
      ...withoutScores(training),
      options: model.config.options,
      group_features: model.groupFeatures,
    },
    sources: { checkpoint: checkpoint.digest, splits: digestOfJson(slides) },
  };
}

/** The scores of the validation slides are in the checkpoint and in the predictions. */
function withoutScores({ 'validation-scores': _, ...training }: JsonObject): JsonObject {
  return training;
}

function describeSelection({ training }: LoadedModel, set: SetName): FoldFacts['selection'] {
  const epoch = typeof training['best-epoch'] === 'number' ? training['best-epoch'] : null;
  if (training.select !== 'best-auc') return { epoch, by: 'last epoch', optimistic: false };
  const on = training['validate-on'] === 'test' ? 'test' : 'val';
  const optimistic = on === set;
  return { epoch, by: optimistic ? 'best AUC on the scored slides' : `best AUC on ${on}`, optimistic };
}
