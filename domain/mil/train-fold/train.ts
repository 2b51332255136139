import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SamMilError } from '../../errors.js';
import { RandomStream } from '../../random.js';
import { openAdam, type Adam } from './adam.js';
import { tf } from '../compute/backend.js';
import { afterScore, shouldStop } from './early-stopping.js';
import type { StepContext } from '../models/model.js';
import { initialWeights } from '../compute/parameters.js';
import { learningRate } from './scheduler.js';
import { TrainStep } from './step.js';
import { Teacher } from './teacher.js';
import { addSums, freshState, noSums } from './fresh-state.js';
import {
  isSound,
  loadState,
  saveState,
  statePath,
  type EpochSums,
  type HistoryRow,
  type TrainingState,
} from './training-state.js';
import type { LabeledKey, TrainingHooks, TrainingPlan, TrainingResult } from './training-plan.js';
import { validate, type ScoredBag } from './validate.js';
import { CoxWindow } from '../targets/cox-window.js';
import { separateLoss, type BagLoss } from '../targets/head.js';
import type { Outcome } from '../targets/target.js';
import { gainOf } from '../targets/validation-score.js';

/**
 * Trains a model with one bag per step, or a window of bags, in a new random order each epoch. Resumes from
 * the saved state of an earlier attempt, with results identical to an uninterrupted training. On abort it
 * saves its state and throws the signal's reason.
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
  /** Whether a warning of a skipped step was given. */
  private skipped = false;

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
    for (let at = 0; at < rest.length; at += plan.bagsPerStep) {
      const window = rest.slice(at, at + plan.bagsPerStep);
      const following = rest.slice(at + window.length, at + window.length + plan.bagsPerStep);
      await this.window(window, following.length > 0 ? following : plan.validation, rate);
    }
    await this.endEpoch(rate);
  }

  /** One update. The state changes only at its end, so that an interruption repeats the whole window. */
  private async window(
    window: readonly LabeledKey[],
    following: readonly LabeledKey[],
    rate: number,
  ): Promise<void> {
    const { state } = this;
    const losses = await this.lossesOf(window);
    const sums =
      losses === undefined
        ? { ...noSums(), skipped: window.length }
        : await this.update(window, following, losses, rate);
    addSums(state.sums, sums);
    state.step += window.length;
  }

  private async update(
    window: readonly LabeledKey[],
    following: readonly LabeledKey[],
    losses: readonly BagLoss[],
    rate: number,
  ): Promise<EpochSums> {
    const { plan, adam, teacher } = this;
    const sums = noSums();
    const step = new TrainStep(plan.model, adam);
    try {
      let at = 0;
      for await (const labeled of plan.bags.walk(window, following)) {
        await this.pause();
        const began = performance.now();
        const context = this.stepContext(losses[at], at, sums.parts);
        sums.loss += this.addBag(step, labeled, context, at++);
        if (at === window.length) {
          step.apply(rate);
          teacher?.follow(adam.weights(), plan.model.teacherMomentum?.(context) ?? 1);
        }
        this.ms.steps += performance.now() - began;
      }
    } finally {
      step.dispose();
    }
    return sums;
  }

  private addBag(
    step: TrainStep,
    { key, outcome, bag }: ScoredBag,
    context: StepContext,
    at: number,
  ): number {
    const loss = this.named(key, at, () => step.add(bag, context, weightOf(outcome, this.plan)));
    if (!Number.isFinite(loss)) throw this.diverged(loss, key, at);
    return loss;
  }

  /** The losses of the bags of a window; undefined if they have nothing to learn. */
  private async lossesOf(window: readonly LabeledKey[]): Promise<BagLoss[] | undefined> {
    const { plan, adam, hooks } = this;
    const { loss, target } = plan;
    if (loss.name !== 'cox') return window.map(({ outcome }) => separateLoss(outcome, target, loss));
    const cox = new CoxWindow(loss.ties);
    let at = 0;
    for await (const { key, outcome, bag } of plan.bags.walk(window, window)) {
      await this.pause();
      const began = performance.now();
      const context = this.stepContext(cox.record(outcome), at);
      const weights = adam.weights();
      this.named(key, at, () => tf.tidy(() => void plan.model.loss(weights, bag, context)));
      if (!cox.finite) throw this.diverged(NaN, key, at);
      this.ms.steps += performance.now() - began;
      at++;
    }
    const losses = cox.losses();
    if (losses === undefined && !this.skipped) {
      hooks.warn(
        `a step without an event that can be compared with another bag has no Cox likelihood and is skipped: set \`bags-per-step\` above ${plan.bagsPerStep} if events are rare`,
      );
      this.skipped = true;
    }
    return losses;
  }

  /** @param parts sums of the reported parts of the loss; without, they are not reported */
  private stepContext(loss: BagLoss, at: number, parts?: EpochSums['parts']): StepContext {
    const { epoch, step } = this.state;
    const { train, epochs } = this.plan;
    return {
      ...loss,
      step: epoch * train.length + step + at,
      totalSteps: epochs * train.length,
      stream: (purpose) => this.stream(epoch, step + at, purpose),
      report: (part, value) => {
        if (parts === undefined) return;
        parts[part] = (parts[part] ?? 0) + (typeof value === 'number' ? value : value.dataSync()[0]);
      },
      ...(this.teacher === undefined ? {} : { teacher: this.teacher.weights }),
    };
  }

  private async endEpoch(rate: number): Promise<void> {
    const { plan, state } = this;
    const row = await this.historyRow(rate);
    state.history.push(row);
    let best = false;
    if (row.valScore !== undefined) {
      const gain = gainOf(row.valScore, plan.target);
      best = state.best === undefined || gain > gainOf(state.best.score, plan.target);
      if (best && plan.select === 'best') {
        state.best = { epoch: state.epoch, score: row.valScore, weights: this.adam.state().weights };
      }
      state.stopping = afterScore(state.stopping, gain);
    }
    state.epoch++;
    state.step = 0;
    state.sums = noSums();
    this.hooks.onEpoch(row, best);
  }

  private async historyRow(rate: number): Promise<HistoryRow> {
    const { plan, state } = this;
    const trained = Math.max(1, plan.train.length - state.sums.skipped);
    const mean = (sum: number) => sum / trained;
    const row: HistoryRow = {
      epoch: state.epoch + 1,
      learningRate: rate,
      loss: mean(state.sums.loss),
      parts: Object.fromEntries(Object.entries(state.sums.parts).map(([part, sum]) => [part, mean(sum)])),
    };
    if (plan.validation.length === 0) return row;
    const began = performance.now();
    const { score, loss } = await validate(
      plan.model,
      this.adam.weights(),
      plan.bags.walk(plan.validation),
      plan,
    ).catch((error: unknown) => {
      throw this.placed(error, 'validation');
    });
    this.ms.validation += performance.now() - began;
    return {
      ...row,
      ...(loss !== undefined && { valLoss: loss }),
      ...(score !== undefined && { valScore: score }),
    };
  }

  private stopsEarly(): boolean {
    const { plan, state } = this;
    return plan.select === 'best' && shouldStop(state.stopping, state.epoch - 1, plan.stopping);
  }

  private result(): TrainingResult {
    const { state, plan } = this;
    const last = state.history[state.history.length - 1];
    const chosen = state.best ?? {
      epoch: last.epoch - 1,
      score: last.valScore,
      weights: this.adam.state().weights,
    };
    return {
      weights: chosen.weights,
      epoch: chosen.epoch + 1,
      ...(chosen.score === undefined ? {} : { valScore: chosen.score }),
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

  private diverged(loss: number, key: string, at: number): SamMilError {
    const { epoch } = this.state;
    const step = this.state.step + at;
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

  private named<T>(key: string, at: number, f: () => T): T {
    try {
      return f();
    } catch (error) {
      throw this.placed(error, `step ${this.state.step + at + 1} (bag "${key}")`);
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
