import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SamMilError } from '../../errors.js';
import { RandomStream } from '../../random.js';
import { openAdam, startingState, type Adam, type AdamSettings } from './adam.js';
import { tf, type Backend } from '../compute/backend.js';
import type { BagCache } from '../bags/bag-cache.js';
import { afterScore, shouldStop, type EarlyStoppingRule } from './early-stopping.js';
import type { Model, StepContext } from '../models/model.js';
import { initialWeights, type HostWeights } from '../compute/parameters.js';
import { learningRate, type Schedule } from './scheduler.js';
import { trainStep } from './step.js';
import { Teacher } from './teacher.js';
import {
  isSound,
  loadState,
  saveState,
  statePath,
  type EpochSums,
  type HistoryRow,
  type TrainingState,
} from './training-state.js';
import { validate, type ScoredBag } from './validate.js';
import { separateLoss, type SeparateLoss } from '../targets/head.js';
import type { Outcome, Target } from '../targets/target.js';

export interface LabeledKey {
  key: string;
  outcome: Outcome;
}

export interface TrainingPlan {
  model: Model;
  bags: BagCache;
  train: readonly LabeledKey[];
  /** Scored after each epoch. May be empty. */
  validation: readonly LabeledKey[];
  target: Target;
  loss: SeparateLoss;
  epochs: number;
  lr: number;
  adam: AdamSettings;
  /** Factor of the loss of each class. Default: 1. */
  classWeights?: readonly number[];
  schedule: Schedule;
  /**
   * `best-auc`: keep the weights of the first epoch with the greatest validation AUC. `last`: keep those of
   * the last epoch.
   */
  select: 'best-auc' | 'last';
  stopping: EarlyStoppingRule;
  /** Initial weights that are not drawn at random: some of the student's and all of the teacher's. */
  start?: { student: HostWeights; teacher: HostWeights };
  /** Start of the name of every random stream: seed, repeat, fold. */
  seed: readonly (string | number)[];
  backend: Backend;
  /** Folder of the saved state from which an interrupted training resumes. */
  checkpoint: string;
  /** Maximum seconds of training that an interruption loses. Saving takes a few milliseconds. */
  saveEverySeconds: number;
}

export interface TrainingHooks {
  signal: AbortSignal;
  onEpoch(row: HistoryRow, best: boolean): void;
  /** Called between steps, several times a second: `step` of the current epoch is next; both count from 0. */
  onStep?(epoch: number, step: number): void;
  warn(message: string): void;
}

export interface TrainingResult {
  weights: HostWeights;
  /** The epoch of the weights, from 1. */
  epoch: number;
  /** Validation AUC of that epoch, if there is one. */
  valAuc?: number;
  history: HistoryRow[];
  stoppedEarly: boolean;
  /** Time of this attempt in seconds. Informative only: no output depends on it. */
  seconds: TrainingSeconds;
}

export interface TrainingSeconds {
  steps: number;
  validation: number;
}

/**
 * Trains a model with one bag per step, in a new random order each epoch. Resumes from the saved state of an
 * earlier attempt, with results identical to an uninterrupted training. On abort it saves its state and
 * throws the signal's reason.
 *
 * @throws SamMilError InvalidInput where the loss is no longer finite; the last good state stays in the
 *   checkpoint folder
 */
export async function train(plan: TrainingPlan, hooks: TrainingHooks): Promise<TrainingResult> {
  const training = new Training(plan, hooks);
  try {
    return await training.run();
  } finally {
    training.dispose();
  }
}

/** Maximum milliseconds for which a training blocks the event loop, and with it an abort. */
const YIELD_MS = 50;

class Training {
  private readonly plan: TrainingPlan;
  private readonly hooks: TrainingHooks;
  private readonly adam: Adam;
  private readonly teacher: Teacher | undefined;
  /** Everything except the weights, which are on the device. */
  private readonly state: Omit<TrainingState, 'adam' | 'teacher'>;
  private readonly ms = { steps: 0, validation: 0 };
  private savedAt = performance.now();
  private yieldedAt = performance.now();

  constructor(plan: TrainingPlan, hooks: TrainingHooks) {
    this.plan = plan;
    this.hooks = hooks;
    const { model, checkpoint, backend, seed } = plan;
    const specs = model.parameters;
    const saved = loadState(checkpoint, specs, backend, (message) => hooks.warn(message));
    const drawn = { ...initialWeights(specs, ...seed), ...plan.start?.student };
    const { adam, teacher, ...rest } = saved ?? freshState(drawn, plan.start?.teacher);
    this.state = rest;
    this.adam = openAdam(specs, adam, plan.adam);
    this.teacher = model.teacherMomentum && new Teacher(specs, teacher ?? adam.weights);
  }

  async run(): Promise<TrainingResult> {
    const { epochs } = this.plan;
    while (this.state.epoch < epochs && !this.stopsEarly()) {
      await this.finishEpoch();
    }
    return this.result();
  }

  dispose(): void {
    this.adam.dispose();
    this.teacher?.dispose();
  }

  private async finishEpoch(): Promise<void> {
    const { plan, state } = this;
    const order = this.stream(state.epoch, 'order').permutation(plan.train.length);
    const rate = learningRate(plan.schedule, plan.lr, state.epoch, plan.epochs);
    const rest = Array.from(order, (index) => plan.train[index]).slice(state.step);
    for await (const labeled of plan.bags.walk(rest, plan.validation)) {
      await this.pause();
      this.step(labeled, rate);
      state.step++;
    }
    await this.endEpoch(rate);
  }

  private step({ key, outcome, bag }: ScoredBag, rate: number): void {
    const { plan, state, adam, teacher } = this;
    const context = this.stepContext(outcome);
    const began = performance.now();
    const loss = this.named(key, () =>
      trainStep(plan.model, adam, bag, context, rate, weightOf(outcome, plan)),
    );
    if (!Number.isFinite(loss)) throw this.diverged(loss, key);
    state.sums.loss += loss;
    teacher?.follow(adam.weights(), plan.model.teacherMomentum?.(context) ?? 1);
    this.ms.steps += performance.now() - began;
  }

  private stepContext(outcome: Outcome): StepContext {
    const { epoch, step, sums } = this.state;
    const { train, epochs, target, loss } = this.plan;
    return {
      ...separateLoss(outcome, target, loss),
      step: epoch * train.length + step,
      totalSteps: epochs * train.length,
      stream: (purpose) => this.stream(epoch, step, purpose),
      report: (part, value) => {
        sums.parts[part] =
          (sums.parts[part] ?? 0) + (typeof value === 'number' ? value : value.dataSync()[0]);
      },
      ...(this.teacher === undefined ? {} : { teacher: this.teacher.weights }),
    };
  }

  private async endEpoch(rate: number): Promise<void> {
    const { plan, state } = this;
    const row = await this.historyRow(rate);
    state.history.push(row);
    let best = false;
    if (row.valAuc !== undefined) {
      best = state.best === undefined || row.valAuc > state.best.score;
      if (best && plan.select === 'best-auc') {
        state.best = { epoch: state.epoch, score: row.valAuc, weights: this.adam.state().weights };
      }
      state.stopping = afterScore(state.stopping, row.valAuc);
    }
    state.epoch++;
    state.step = 0;
    state.sums = { loss: 0, parts: {} };
    this.hooks.onEpoch(row, best);
  }

  private async historyRow(rate: number): Promise<HistoryRow> {
    const { plan, state } = this;
    const mean = (sum: number) => sum / plan.train.length;
    const row: HistoryRow = {
      epoch: state.epoch + 1,
      learningRate: rate,
      loss: mean(state.sums.loss),
      parts: Object.fromEntries(Object.entries(state.sums.parts).map(([part, sum]) => [part, mean(sum)])),
    };
    if (plan.validation.length === 0) return row;
    const began = performance.now();
    const { auc, loss } = await validate(
      plan.model,
      this.adam.weights(),
      plan.bags.walk(plan.validation),
      plan.target,
    ).catch((error: unknown) => {
      throw this.placed(error, 'validation');
    });
    this.ms.validation += performance.now() - began;
    return { ...row, valLoss: loss, ...(Number.isNaN(auc) ? {} : { valAuc: auc }) };
  }

  private stopsEarly(): boolean {
    const { plan, state } = this;
    return plan.select === 'best-auc' && shouldStop(state.stopping, state.epoch - 1, plan.stopping);
  }

  private result(): TrainingResult {
    const { state, plan } = this;
    const last = state.history[state.history.length - 1];
    const chosen = state.best ?? {
      epoch: last.epoch - 1,
      score: last.valAuc,
      weights: this.adam.state().weights,
    };
    return {
      weights: chosen.weights,
      epoch: chosen.epoch + 1,
      ...(chosen.score === undefined ? {} : { valAuc: chosen.score }),
      history: state.history,
      stoppedEarly: state.epoch < plan.epochs,
      seconds: { steps: this.ms.steps / 1000, validation: this.ms.validation / 1000 },
    };
  }

  /** Runs between steps: yields to the event loop, saves periodically, stops on abort. */
  private async pause(): Promise<void> {
    if (performance.now() - this.yieldedAt > YIELD_MS) {
      await nextTurn();
      this.yieldedAt = performance.now();
      this.hooks.onStep?.(this.state.epoch, this.state.step);
    }
    if (this.hooks.signal.aborted) {
      this.save();
      throw this.hooks.signal.reason;
    }
    if (performance.now() - this.savedAt >= this.plan.saveEverySeconds * 1000) this.save();
  }

  /** A state with overflowed weights is not saved. The loss of the next step reports the cause. */
  private save(): void {
    const { plan, adam, teacher } = this;
    const state: TrainingState = {
      ...this.state,
      adam: adam.state(),
      ...(teacher === undefined ? {} : { teacher: teacher.state() }),
    };
    if (isSound(state)) saveState(plan.checkpoint, state, plan.model.parameters, plan.backend);
    this.savedAt = performance.now();
  }

  private diverged(loss: number, key: string): SamMilError {
    const { epoch, step } = this.state;
    if (this.stillInfers(key)) this.save();
    const what = `training diverged: the loss became ${loss} in epoch ${epoch + 1}, step ${step + 1} (bag "${key}")`;
    return new SamMilError('InvalidInput', what, {
      expected: 'a finite loss',
      next: `lower \`lr\` or check that bag's features; ${this.lastGood()}`,
    });
  }

  /**
   * Whether the weights work for other bags. If not, an update has damaged them and the previously saved
   * state is better.
   */
  private stillInfers(key: string): boolean {
    const { plan, adam } = this;
    const others = plan.train.filter((bag) => bag.key !== key).slice(0, 3);
    return others.some((other) => {
      const bag = plan.bags.get(other.key);
      const logits = tf.tidy(() => plan.model.infer(adam.weights(), bag).logits.dataSync());
      return logits.every(Number.isFinite);
    });
  }

  /** States where the last good weights are. An update may have overflowed before any state was saved. */
  private lastGood(): string {
    const path = statePath(this.plan.checkpoint);
    return existsSync(path) ? `the last good weights are in ${path}` : 'no state was saved before';
  }

  private named<T>(key: string, f: () => T): T {
    try {
      return f();
    } catch (error) {
      throw this.placed(error, `step ${this.state.step + 1} (bag "${key}")`);
    }
  }

  /** Adds the position in the training to a SamMilError. */
  private placed(error: unknown, where: string): unknown {
    return error instanceof SamMilError ? error.at(`epoch ${this.state.epoch + 1}, ${where}`) : error;
  }

  private stream(...names: (string | number)[]): RandomStream {
    return new RandomStream(...this.plan.seed, ...names);
  }
}

/** Factor of the loss of a bag. */
function weightOf(outcome: Outcome, { classWeights }: TrainingPlan): number | undefined {
  return outcome.endpoint === 'classification' ? classWeights?.[outcome.label] : undefined;
}

function freshState(weights: HostWeights, teacher?: HostWeights): TrainingState {
  const sums: EpochSums = { loss: 0, parts: {} };
  return {
    adam: startingState(weights),
    epoch: 0,
    step: 0,
    sums,
    stopping: { counter: 0 },
    history: [],
    ...(teacher && { teacher }),
  };
}
