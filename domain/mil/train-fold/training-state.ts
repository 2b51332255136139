import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { firstNotFinite } from '../../files/finite.js';
import { readSafetensors, writeSafetensors } from '../../files/safetensors.js';
import type { Tensor } from '../../files/tensor.js';
import type { AdamState } from './adam.js';
import { describeBackend, type Backend } from '../compute/backend.js';
import { tensorsOf, weightsOf } from '../models/checkpoint.js';
import type { EarlyStoppingState } from './early-stopping.js';
import type { HostWeights, ParameterSpec } from '../compute/parameters.js';

/** One finished epoch. */
export interface HistoryRow {
  /** From 1, as people count. */
  epoch: number;
  learningRate: number;
  /** Mean over the steps of the epoch, of the loss and of each part the model reports. */
  loss: number;
  parts: Record<string, number>;
  /** On the validation set; absent where that has fewer than two classes. */
  valAuc?: number;
  valLoss?: number;
}

/** Sums over the steps of the epoch that is under way. */
export interface EpochSums {
  loss: number;
  parts: Record<string, number>;
}

/** Everything a fresh process needs to go on with the same bits. Random streams need no state: they are named by epoch and step. */
export interface TrainingState {
  adam: AdamState;
  teacher?: HostWeights;
  /** Where training stands: the next step to do is `step` (from 0) of `epoch` (from 0). */
  epoch: number;
  step: number;
  sums: EpochSums;
  stopping: EarlyStoppingState;
  best?: { epoch: number; score: number; weights: HostWeights };
  history: HistoryRow[];
}

type Notes = Omit<TrainingState, 'adam' | 'teacher' | 'best'> & {
  steps: AdamState['steps'];
  best?: { epoch: number; score: number };
  teacher: boolean;
  backend: Backend;
};

const FILE = 'training-state.safetensors';

/** Saves to `<folder>/training-state.safetensors`, whole or not at all. */
export function saveState(
  folder: string,
  state: TrainingState,
  specs: readonly ParameterSpec[],
  backend: Backend,
): void {
  const { adam, teacher, best, ...rest } = state;
  const notes: Notes = {
    ...rest,
    steps: adam.steps,
    ...(best === undefined ? {} : { best: { epoch: best.epoch, score: best.score } }),
    teacher: teacher !== undefined,
    backend,
  };
  const tensors = {
    ...tensorsOf(adam.weights, specs, 'weight/'),
    ...tensorsOf(adam.first, specs, 'first/'),
    ...tensorsOf(adam.second, specs, 'second/'),
    ...(teacher === undefined ? {} : tensorsOf(teacher, specs, 'teacher/')),
    ...(best === undefined ? {} : tensorsOf(best.weights, specs, 'best/')),
  };
  writeSafetensors(statePath(folder), tensors, { state: JSON.stringify(notes) });
}

export function statePath(folder: string): string {
  return join(folder, FILE);
}

/**
 * The state an earlier attempt left, or undefined: also where it is damaged, or was computed with another number of threads, since the rest would not have
 * the same bits then; `warn` says so and training begins again.
 *
 * @throws SamMilError BackendMismatch when another library or device computed it
 */
export function loadState(
  folder: string,
  specs: readonly ParameterSpec[],
  backend: Backend,
  warn: (message: string) => void,
): TrainingState | undefined {
  const path = statePath(folder);
  if (!existsSync(path)) return undefined;
  const saved = readSaved(path);
  if (typeof saved === 'string') {
    warn(`the saved state can't be read, so the fold begins again: ${saved}`);
    return undefined;
  }
  const { tensors, notes } = saved;
  const { steps, best, teacher, backend: made, ...rest } = notes;
  const [expected, found] = [describeBackend(made), describeBackend(backend)];
  const { threads, kernels } = backend;
  if (describeBackend({ ...made, threads, kernels }) !== found) {
    throw new SamMilError('BackendMismatch', 'this training was begun on another backend', {
      file: path,
      expected,
      found,
      next: `continue where ${expected} is found, or remove the file to begin this fold again`,
    });
  }
  if (expected !== found) {
    warn(
      `begun on ${expected}, here is ${found}: sums would differ in the last bits, so the fold begins again`,
    );
    return undefined;
  }
  const read = (prefix: string) => weightsOf(tensors, specs, path, prefix);
  return {
    ...rest,
    adam: { weights: read('weight/'), first: read('first/'), second: read('second/'), steps },
    ...(teacher ? { teacher: read('teacher/') } : {}),
    ...(best === undefined ? {} : { best: { ...best, weights: read('best/') } }),
  };
}

/** What the file holds, or what is wrong with it: a disk may have spoilt it, and only time is lost then. */
function readSaved(path: string): { tensors: Record<string, Tensor>; notes: Notes } | string {
  try {
    const { tensors, metadata } = readSafetensors(path);
    return { tensors, notes: JSON.parse(metadata.state) as Notes };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** True when every weight is finite: only then is a state worth keeping. */
export function isSound(state: TrainingState): boolean {
  return Object.values(state.adam.weights).every((values) => firstNotFinite(values) < 0);
}
