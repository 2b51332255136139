import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ValueSchema } from '../../activity-schema.js';
import { digestOf, digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { firstNotFinite } from '../../files/finite.js';
import { DIGEST, RecordKind } from '../../files/json-record.js';
import { readSafetensors, writeSafetensors } from '../../files/safetensors.js';
import type { Tensor } from '../../files/tensor.js';
import type { AdamState } from './adam.js';
import { describeBackend, type Backend } from '../compute/backend.js';
import { toTensors, readWeights } from '../models/checkpoint.js';
import type { EarlyStoppingState } from './early-stopping.js';
import type { HostWeights, ParameterSpec } from '../compute/parameters.js';

/** One finished epoch. */
export interface HistoryRow {
  /** Counted from 1. */
  epoch: number;
  learningRate: number;
  /** Mean over the bags of the epoch, for the loss and for each part that the model reports. */
  loss: number;
  parts: Record<string, number>;
  /** Score of the validation set (see `scoreBags`), if it has one. */
  valScore?: number;
  valLoss?: number;
}

/** Sums over the bags of the current epoch. */
export interface EpochSums {
  loss: number;
  parts: Record<string, number>;
  /** Bags of steps that had nothing to learn. They are not part of the means. */
  skipped: number;
}

/**
 * Everything that a new process needs to continue with identical results. Random streams need no state
 * because their names contain epoch and step.
 */
export interface TrainingState {
  adam: AdamState;
  teacher?: HostWeights;
  /** The next step is `step` (from 0) of `epoch` (from 0). */
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
  /** Digest of the tensors. */
  tensors: string;
};

const FILE = 'training-state.safetensors';

const COUNT: ValueSchema = { type: 'integer', minimum: 0 };
/** JSON has no NaN. */
const NUMBER: ValueSchema = { type: ['number', 'null'] };
const PARTS: ValueSchema = { type: 'object', additionalProperties: NUMBER };

const NOTES = new RecordKind<Notes>({
  type: 'object',
  properties: {
    epoch: COUNT,
    step: COUNT,
    sums: {
      type: 'object',
      properties: { loss: NUMBER, parts: PARTS, skipped: COUNT },
      required: ['loss', 'parts', 'skipped'],
    },
    stopping: { type: 'object', properties: { best: NUMBER, counter: COUNT }, required: ['counter'] },
    history: {
      type: 'array',
      items: { type: 'object', properties: { epoch: COUNT, parts: PARTS }, required: ['epoch', 'parts'] },
    },
    steps: { type: 'object', additionalProperties: COUNT },
    best: { type: 'object', properties: { epoch: COUNT, score: NUMBER }, required: ['epoch', 'score'] },
    teacher: { type: 'boolean' },
    backend: { type: 'object' },
    tensors: DIGEST,
  },
  required: ['epoch', 'step', 'sums', 'stopping', 'history', 'steps', 'teacher', 'backend', 'tensors'],
});

/** Saves atomically to `<folder>/training-state.safetensors`. */
export function saveState(
  folder: string,
  state: TrainingState,
  specs: readonly ParameterSpec[],
  backend: Backend,
): void {
  const { adam, teacher, best, ...rest } = state;
  const tensors = {
    ...toTensors(adam.weights, specs, 'weight/'),
    ...toTensors(adam.first, specs, 'first/'),
    ...toTensors(adam.second, specs, 'second/'),
    ...(teacher === undefined ? {} : toTensors(teacher, specs, 'teacher/')),
    ...(best === undefined ? {} : toTensors(best.weights, specs, 'best/')),
  };
  const notes: Notes = {
    ...rest,
    steps: adam.steps,
    ...(best === undefined ? {} : { best: { epoch: best.epoch, score: best.score } }),
    teacher: teacher !== undefined,
    backend,
    tensors: digestOfTensors(tensors),
  };
  writeSafetensors(statePath(folder), tensors, { state: NOTES.text(notes) });
}

export function statePath(folder: string): string {
  return join(folder, FILE);
}

/**
 * Loads the state of an earlier attempt. Returns undefined, after a warning, if the state is damaged or was
 * computed with a different number of threads, because the results would not be identical. Training then
 * restarts.
 *
 * @throws SamMilError BackendMismatch where a different library or device computed it
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
    warn(`the saved state cannot be read, so training of this fold restarts: ${saved}`);
    return undefined;
  }
  const { tensors, notes } = saved;
  const { epoch, step, sums, stopping, history, steps, best, teacher, backend: made } = notes;
  const [expected, found] = [describeBackend(made), describeBackend(backend)];
  const { threads, kernels } = backend;
  if (describeBackend({ ...made, threads, kernels }) !== found) {
    throw new SamMilError('BackendMismatch', 'this training was started on a different backend', {
      file: path,
      expected,
      found,
      next: `resume on a machine with ${expected}, or remove the file to restart this fold`,
    });
  }
  if (expected !== found) {
    warn(
      `training was started on ${expected}, but this machine has ${found}: sums would differ in the last bits, so training of this fold restarts`,
    );
    return undefined;
  }
  const read = (prefix: string) => readWeights(tensors, specs, path, prefix);
  return {
    epoch,
    step,
    sums,
    stopping,
    history,
    adam: { weights: read('weight/'), first: read('first/'), second: read('second/'), steps },
    ...(teacher ? { teacher: read('teacher/') } : {}),
    ...(best === undefined ? {} : { best: { ...best, weights: read('best/') } }),
  };
}

/** Returns the contents of the file, or the reason why it cannot be read. A damaged state only loses time. */
function readSaved(path: string): { tensors: Record<string, Tensor>; notes: Notes } | string {
  try {
    const { tensors, metadata } = readSafetensors(path);
    const notes = NOTES.parse(metadata.state ?? '');
    if (notes.state !== 'valid') return `${path}: ${notes.state === 'damaged' ? notes.found : 'no notes'}`;
    if (notes.value.tensors !== digestOfTensors(tensors)) return `${path}: a tensor was changed`;
    return { tensors, notes: notes.value };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A flipped bit in a weight would change every result without a sign of it. */
function digestOfTensors(tensors: Readonly<Record<string, Tensor>>): string {
  const digests = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    return [name, dtype, [...shape], digestOf(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
  });
  return digestOfJson(Object.fromEntries(digests.map(([name, ...rest]) => [name, rest])));
}

/** True if every weight is finite. Other states are not worth saving. */
export function isSound(state: TrainingState): boolean {
  return Object.values(state.adam.weights).every((values) => firstNotFinite(values) < 0);
}
