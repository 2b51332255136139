import type { BagCache } from '../bags/bag-cache.js';
import type { Backend } from '../compute/backend.js';
import type { HostWeights } from '../compute/parameters.js';
import type { Model } from '../models/model.js';
import type { HeadLoss } from '../targets/head.js';
import type { Outcome, Target } from '../targets/target.js';
import type { AdamSettings } from './adam.js';
import type { EarlyStoppingRule } from './early-stopping.js';
import type { Schedule } from './scheduler.js';
import type { HistoryRow } from './training-state.js';

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
  loss: HeadLoss;
  /** Number of bags whose gradients are averaged for one update. The last one of an epoch may have fewer. */
  bagsPerStep: number;
  epochs: number;
  lr: number;
  adam: AdamSettings;
  /** Factor of the loss of each class. Default: 1. */
  classWeights?: readonly number[];
  schedule: Schedule;
  /**
   * `best`: keep the weights of the first epoch with the best validation score. `last`: keep those of the
   * last epoch.
   */
  select: 'best' | 'last';
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
  /** Validation score of that epoch, if there is one. */
  valScore?: number;
  history: HistoryRow[];
  stoppedEarly: boolean;
  /** Time of this attempt in seconds. Informative only: no output depends on it. */
  seconds: TrainingSeconds;
}

export interface TrainingSeconds {
  steps: number;
  validation: number;
}
