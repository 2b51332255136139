import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { statSync } from 'node:fs';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { encoderWeightsPath } from './encoder-weights.js';
import { withFileLock } from '../file-lock.js';
import { LITE0 } from './lite0.js';
import { WEIGHTS, weightsEntry } from './manifest.js';
import type { WeightsEntry } from './weights-entry.js';
import { folderOfWeights, readRecord, weightsFolder } from './weights-record.js';
import { findWeights } from './weights-store.js';

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
  const all = [LITE0, ...WEIGHTS];
  for (const name of names) if (name !== LITE0.name) weightsEntry(name);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

/** Looks at sizes and records; digests are taken by {@link verifyWeights}. */
export function examineWeights(entry: WeightsEntry): WeightsState {
  try {
    const { path, digest } = entry === LITE0 ? lite0() : findWeights(entry.name);
    const published = entry === LITE0 || readRecord(entry.name)?.published === true;
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
  if (entry === LITE0) return rm(dirname(encoderWeightsPath()), { recursive: true, force: true });
  const remove = () => rm(folderOfWeights(entry.name), { recursive: true, force: true });
  await withFileLock(join(weightsFolder(), `${entry.name}.lock`), remove);
}

/** @throws SamMilError `WeightsMissing`, `InvalidInput` where it is not as large as it should be */
function lite0(): { path: string; digest: string } {
  const path = encoderWeightsPath();
  const { size } = statSync(path);
  if (size === LITE0.bytes) return { path, digest: `sha256:${LITE0.sha256}` };
  throw new SamMilError('InvalidInput', 'the file is damaged', {
    file: path,
    expected: `${LITE0.bytes} bytes`,
    found: `${size}`,
    next: `\`npx sam-mil models rm ${LITE0.name}\`, then \`npx sam-mil models fetch ${LITE0.name}\``,
  });
}
