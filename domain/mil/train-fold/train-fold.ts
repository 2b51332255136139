import { join } from 'node:path';
import { digestOfJson } from '../../digest.js';
import { writeAtomic } from '../../files/atomic.js';
import { formatCsv } from '../../files/csv.js';
import type { Job, JobResult } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { describeBackend, openBackend } from '../compute/backend.js';
import { BagCache } from '../bags/bag-cache.js';
import { mixedEncoders } from '../bags/bag-facts.js';
import { originOfBags } from '../bags/bag-origin.js';
import { selectBags, listBags, type BagEntry } from '../bags/bags.js';
import { buildModel } from '../models/build-model.js';
import { writeCheckpoint } from '../models/checkpoint.js';
import type { ModelConfig } from '../models/model.js';
import { modelEntry, resolveOptions } from '../models/registry.js';
import { labelOf, outputsOf } from '../targets/target.js';
import { validationScore, whyNoScore, type ValidationScore } from '../targets/validation-score.js';
import { headSettings, type HeadSettings } from './head-settings.js';
import { scoreTrainingPatients } from './patient-risks.js';
import { suitsJavaScript } from './small-bags.js';
import { findFold, outcomeOf, readSplits, type Fold, type Splits } from '../split/splits.js';
import { trainedSlides } from '../split/trained-slides.js';
import { teacherStart } from './teacher-start.js';
import { train } from './train.js';
import type { LabeledKey, TrainingPlan, TrainingResult } from './training-plan.js';
import { trainingTarget } from './training-target.js';
import type { HistoryRow } from './training-state.js';
import { scoreValidation } from './validation-scores.js';
import type { TrainFoldWith } from './parameters.js';

/** Trains one model on one fold. Resumes from the last saved step of an earlier attempt. */
export async function run(job: Job<TrainFoldWith>): Promise<JobResult> {
  const settings = job.with;
  const options = resolveOptions(settings.model, settings);
  const splits = readSplits(settings.splits.path);
  const fold = findFold(splits, settings.repeat, settings.fold);
  const head = headSettings(splits.endpoint, settings);
  const warn = (message: string) => job.log('warn', message);
  const target = trainingTarget(splits, fold, head, warn);
  const used = [...fold.train, ...fold[settings.validateOn]];
  const listed = listBags(settings.bags.path, job.work, settings.encoder);
  const entries = [...selectBags(used, listed, settings).values()];
  const began = performance.now();
  for (const mixture of mixedEncoders(entries)) warn(mixture);
  const small = settings.backend === 'auto' && suitsJavaScript(settings.model, entries, settings.embedDim);
  const backend = await openBackend(small ? 'js' : settings.backend, warn);
  const bags = new BagCache(entries, {
    groupFeatures: settings.groupFeatures,
    ...(settings.bagMemory !== undefined && { limit: settings.bagMemory * 2 ** 30 }),
  });
  try {
    if (settings.standardize) bags.standardizeBy(fold.train);
    const config: ModelConfig = {
      model: settings.model,
      dim: bags.get(fold.train[0]).x.shape[1],
      outputs: outputsOf(target),
      endpoint: target.endpoint,
      embedDim: settings.embedDim,
      attentionDim: settings.attentionDim ?? modelEntry(settings.model).attentionDim,
      dropout: settings.dropout,
      options,
    };
    const model = await buildModel(config);
    const start = teacherStart(settings, { splits, fold, target }, model, warn);
    const { plan, note: warning } = makePlan(job, splits, fold, {
      ...{ target, model, bags, backend, head },
      ...(start && { start }),
    });
    if (warning !== undefined) warn(warning);
    warnOfMissingClasses(plan.train, splits, warn);
    const epochs = { unit: 'epochs', total: settings.epochs };
    let note: string | undefined;
    const result = await train(plan, {
      signal: job.signal,
      warn,
      // An epoch of a large cohort takes longer than a step without progress may.
      onStep: (epoch) => job.progress({ ...epochs, done: epoch, ...(note === undefined ? {} : { note }) }),
      onEpoch: (row) => {
        note = formatNote(row, validationScore(target));
        job.progress({ ...epochs, done: row.epoch, note });
      },
    });
    const facts = {
      ...trainedSlides(splits, fold, settings.validateOn),
      ...(await scoreValidation(plan, result.weights, splits.groups, job.signal)),
      ...(await scoreTrainingPatients(plan, result.weights, splits, job.signal)),
      ...originOfBags(entries, settings.groupFeatures),
    };
    const outputs = writeOutputs(job, { config, facts, entries, plan, result, note: warning });
    job.log('info', 'trained', {
      'seconds-in-steps': round(result.seconds.steps),
      'seconds-in-validation': round(result.seconds.validation),
      'seconds-in-all': round((performance.now() - began) / 1000),
    });
    return outputs;
  } finally {
    bags.dispose();
  }
}

function makePlan(
  job: Job<TrainFoldWith>,
  splits: Splits,
  fold: Fold,
  {
    head,
    ...parts
  }: Pick<TrainingPlan, 'model' | 'target' | 'bags' | 'backend' | 'start'> & { head: HeadSettings },
): { plan: TrainingPlan; note?: string } {
  const settings = job.with;
  const labeled = (keys: readonly string[]): LabeledKey[] =>
    keys.map((key) => ({ key, outcome: outcomeOf(splits, key) }));
  const validation = labeled(fold[settings.validateOn]);
  const why = whyNoScore(
    validation.map(({ outcome }) => outcome),
    parts.target,
  );
  const select = why === undefined ? settings.select : 'last';
  return {
    plan: {
      ...parts,
      train: labeled(fold.train),
      validation,
      loss: head.loss,
      bagsPerStep: head.bagsPerStep,
      epochs: settings.epochs,
      lr: settings.lr,
      adam: {
        weightDecay: settings.weightDecay,
        beta2: settings.beta2,
        decoupled: settings.optimizer === 'adamw',
      },
      schedule: settings.scheduler,
      ...(settings.classWeights === 'balanced' && {
        classWeights: balancedWeights(labeled(fold.train), splits.classes.length),
      }),
      select,
      stopping: { patience: settings.patience, stopEpoch: settings.stopEpoch },
      seed: [settings.seed, settings.repeat, settings.fold],
      checkpoint: job.checkpoint,
      saveEverySeconds: settings.saveEvery,
    },
    ...(select === settings.select
      ? {}
      : {
          note: `the validation set ${why}, so no epoch can be chosen by ${validationScore(parts.target).title}: the last one is kept`,
        }),
  };
}

/**
 * A model cannot learn a class that it never sees. Training continues because other folds may be complete.
 */
function warnOfMissingClasses(
  bags: readonly LabeledKey[],
  { endpoint, classes }: Splits,
  warn: (message: string) => void,
): void {
  if (endpoint !== 'classification') return;
  const missing = classes.filter((_, label) => !bags.some(({ outcome }) => labelOf(outcome) === label));
  if (missing.length === 0) return;
  warn(`the training set has no bags of class ${missing.join(', ')}, so the model cannot learn it`);
}

/**
 * Class weights that give every class the same total weight, with a mean of 1 over all bags. The weight of a
 * class without bags is 0.
 */
export function balancedWeights(bags: readonly LabeledKey[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { outcome } of bags) counts[labelOf(outcome)]++;
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 0 : bags.length / (present * count)));
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function formatNote({ loss, valScore }: HistoryRow, { name, title }: ValidationScore): string {
  if (valScore === undefined) return `loss ${loss.toPrecision(3)}`;
  // An AUC or a concordance is a share; an RMSE has the unit of the value.
  const score = name === 'rmse' ? valScore.toPrecision(4) : valScore.toFixed(3);
  return `loss ${loss.toPrecision(3)}, val ${title} ${score}`;
}

interface Trained {
  config: ModelConfig;
  /** About the slides: see {@link trainedSlides}, {@link scoreValidation} and {@link originOfBags}. */
  facts: JsonObject;
  entries: readonly BagEntry[];
  plan: TrainingPlan;
  result: TrainingResult;
  note?: string;
}

function writeOutputs(job: Job<TrainFoldWith>, trained: Trained): JobResult {
  const { config, entries, plan, result, note } = trained;
  const ending = job.with.checkpointFormat;
  const checkpoint = join(job.scratch, `checkpoint.${ending}`);
  writeCheckpoint(
    checkpoint,
    {
      config,
      target: plan.target,
      groupFeatures: job.with.groupFeatures,
      weights: result.weights,
      ...(plan.bags.standardization && { standardization: plan.bags.standardization }),
      training: { ...collectFacts(job.with, trained), bags: digestBags(entries), ...(note && { note }) },
    },
    plan.model.parameters,
  );
  const history = join(job.scratch, 'history.csv');
  writeAtomic(history, historyCsv(result.history, validationScore(plan.target)));
  return {
    files: {
      checkpoint: { from: checkpoint, to: `checkpoints/${job.name}.${ending}` },
      history: { from: history, to: `history/${job.name}.csv` },
    },
    values: { 'best-epoch': result.epoch, metrics: collectMetrics(trained) },
  };
}

function collectFacts(settings: TrainFoldWith, { plan, result, facts }: Trained): JsonObject {
  return {
    'best-epoch': result.epoch,
    epochs: plan.epochs,
    select: plan.select,
    'validate-on': settings.validateOn,
    lr: plan.lr,
    'weight-decay': settings.weightDecay,
    loss: { ...plan.loss },
    'bags-per-step': plan.bagsPerStep,
    optimizer: settings.optimizer,
    beta2: settings.beta2,
    scheduler: plan.schedule,
    ...(plan.classWeights && { 'class-weights': [...plan.classWeights] }),
    ...readVersion(settings.model),
    seed: settings.seed,
    repeat: settings.repeat,
    fold: settings.fold,
    ...facts,
    backend: describeBackend(plan.backend),
  };
}

/** The version of a plugin model. */
function readVersion(model: string): JsonObject {
  const { version } = modelEntry(model);
  return version === undefined ? {} : { 'model-version': version };
}

/** Identifies the features on which a model was trained by the keys and digests of its bags. */
function digestBags(entries: readonly BagEntry[]): string {
  const pairs = entries.map(({ key, digest }): [string, string] => [key, digest]);
  return digestOfJson(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function collectMetrics({ plan, result, note }: Trained): JsonObject {
  const { history, epoch, valScore, stoppedEarly } = result;
  const { loss } = history[epoch - 1];
  return {
    'train-loss': loss,
    ...(valScore === undefined ? {} : { [`val-${validationScore(plan.target).name}`]: valScore }),
    epochs: history.length,
    'stopped-early': stoppedEarly,
    ...(note === undefined ? {} : { note }),
  };
}

/** One line per epoch, with one column for each part of the loss. */
function historyCsv(history: readonly HistoryRow[], { name }: ValidationScore): string {
  const parts = Object.keys(history[0]?.parts ?? {});
  const columns = ['epoch', 'learning_rate', 'loss', ...parts, 'val_loss', `val_${name}`];
  return formatCsv(
    columns,
    history.map((row) => ({
      ...row.parts,
      epoch: row.epoch,
      learning_rate: row.learningRate,
      loss: row.loss,
      val_loss: row.valLoss,
      [`val_${name}`]: row.valScore,
    })),
  );
}
