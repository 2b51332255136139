import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { SamMilError } from '../../errors.js';
import { withFileLock } from '../file-lock.js';
import { digestOfCheckpoint, listCheckpointFiles } from './checkpoint-files.js';
import { WEIGHTS, weightsEntry } from './manifest.js';
import type { WeightsEntry } from './weights-entry.js';
import { modelFolder, readRecord, weightsFolder } from './weights-record.js';
import { findWeights } from './weights-store.js';
import { removeWheelWeights } from './wheel-weights.js';

/** The state of one model's weights on this machine. */
export interface WeightsState {
  entry: WeightsEntry;
  state: 'available' | 'missing' | 'damaged';
  /** Of the checkpoint; undefined where it is missing. */
  path?: string;
  bytes?: number;
  /** `sha256:...` of the checkpoint, computed when it was imported. */
  digest?: string;
  /** False for custom weights. */
  published?: boolean;
  /** The digest was recorded at the first download, because none is pinned. */
  recorded?: true;
  /** Why the weights cannot be used. */
  problem?: string;
}

/**
 * The named models, or all if none is named, in the order of the manifest.
 *
 * @throws SamMilError `InvalidInput` on an unknown name
 */
export function knownEntries(names: readonly string[] = []): WeightsEntry[] {
  names.forEach(weightsEntry);
  return names.length === 0 ? [...WEIGHTS] : WEIGHTS.filter(({ name }) => names.includes(name));
}

/** Checks sizes and records. {@link verifyWeights} also checks digests. */
export function examineWeights(entry: WeightsEntry): WeightsState {
  try {
    const { path, digest } = findWeights(entry);
    const record = entry.from === 'wheel' ? undefined : readRecord(entry.name);
    const { published = true, recorded } = record ?? {};
    const bytes = listCheckpointFiles(path).reduce((sum, file) => sum + statSync(file).size, 0);
    return { entry, state: 'available', path, bytes, digest, published, ...(recorded && { recorded }) };
  } catch (error) {
    if (!(error instanceof SamMilError)) throw error;
    if (error.code === 'WeightsMissing') return { entry, state: 'missing', problem: error.message };
    return { entry, state: 'damaged', path: error.facts.file, problem: error.message };
  }
}

/** Like {@link examineWeights}, but also computes the digest of the whole file. */
export async function verifyWeights(entry: WeightsEntry): Promise<WeightsState> {
  const state = examineWeights(entry);
  if (state.state !== 'available' || state.path === undefined) return state;
  const found = await digestOfCheckpoint(state.path);
  if (found === state.digest) return state;
  const problem = `${state.path}: the content changed; expected ${state.digest}; found ${found}; Next: run \`npx sam-mil models fetch ${entry.name}\` again`;
  return { ...state, state: 'damaged', problem };
}

/** Removes the weights of a model, including the remains of an interrupted download. */
export async function removeWeights(entry: WeightsEntry): Promise<void> {
  if (entry.from === 'wheel') return removeWheelWeights(entry);
  const remove = () => rm(modelFolder(entry.name), { recursive: true, force: true });
  await withFileLock(join(weightsFolder(), `${entry.name}.lock`), remove);
}
