import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { withFileLock } from '../file-lock.js';
import { WEIGHTS, weightsEntry } from './manifest.js';
import type { WeightsEntry } from './weights-entry.js';
import { folderOfWeights, readRecord, weightsFolder } from './weights-record.js';
import { findWeights } from './weights-store.js';
import { removeWheelWeights } from './wheel-weights.js';

/** What this machine has of one model. */
export interface WeightsState {
  entry: WeightsEntry;
  state: 'here' | 'missing' | 'damaged';
  /** Of the checkpoint; undefined where it is missing. */
  path?: string;
  bytes?: number;
  /** `sha256:...` taken when it was brought. */
  digest?: string;
  /** False for a lab's own weights. */
  published?: boolean;
  /** Why it can't be used. */
  problem?: string;
}

/** All models, or those that are named, in the order of the manifest. @throws SamMilError `InvalidInput` on a name that there is not */
export function knownEntries(names: readonly string[] = []): WeightsEntry[] {
  names.forEach(weightsEntry);
  return names.length === 0 ? [...WEIGHTS] : WEIGHTS.filter(({ name }) => names.includes(name));
}

/** Looks at sizes and records; digests are taken by {@link verifyWeights}. */
export function examineWeights(entry: WeightsEntry): WeightsState {
  try {
    const { path, digest } = findWeights(entry.name);
    const published = entry.from === 'wheel' || readRecord(entry.name)?.published === true;
    return { entry, state: 'here', path, bytes: statSync(path).size, digest, published };
  } catch (error) {
    if (!(error instanceof SamMilError)) throw error;
    if (error.code === 'WeightsMissing') return { entry, state: 'missing', problem: error.message };
    return { entry, state: 'damaged', path: error.facts.file, problem: error.message };
  }
}

/** As {@link examineWeights}, with the digest taken again from every byte. */
export async function verifyWeights(entry: WeightsEntry): Promise<WeightsState> {
  const state = examineWeights(entry);
  if (state.state !== 'here' || state.path === undefined) return state;
  const found = await digestOfFile(state.path);
  if (found === state.digest) return state;
  const problem = `${state.path}: its bytes changed; expected ${state.digest}; found ${found}; Next: bring it again: \`npx sam-mil models fetch ${entry.name}\``;
  return { ...state, state: 'damaged', problem };
}

/** Removes what is there of a model, also what a broken download left. */
export async function removeWeights(entry: WeightsEntry): Promise<void> {
  if (entry.from === 'wheel') return removeWheelWeights(entry);
  const remove = () => rm(folderOfWeights(entry.name), { recursive: true, force: true });
  await withFileLock(join(weightsFolder(), `${entry.name}.lock`), remove);
}
