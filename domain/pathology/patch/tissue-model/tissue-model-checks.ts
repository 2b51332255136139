import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MissingResource } from '../../../activity-schema.js';
import { SamMilError } from '../../../errors.js';
import { canonicalJson, type JsonObject } from '../../../json.js';
import { hasOnnxRuntime } from '../../../machine/onnx-runtime.js';
import { keyReader } from '../../../machine/reader/reader-process.js';
import { digestWeights } from '../../../machine/weights/digest-weights.js';
import { findMissingModelFile } from '../../../machine/weights/lack.js';
import type { probeTissueNetwork } from './probe-tissue-network.js';
import { readTissueModel } from './tissue-model.js';

const FACTS = new URL('./tissue-model.js', import.meta.url).href;
const NETWORK = new URL('./probe-tissue-network.js', import.meta.url).href;

/** Increases when the same model gives another mask. */
const VERSION = 1;

/**
 * Returns what determines the mask of a model, for the cache key; license and note are excluded.
 * @throws SamMilError as {@link readTissueModel}
 */
export async function keyOfTissueModel(path: string): Promise<JsonObject> {
  const reading = { module: FACTS, name: 'readTissueModel', file: path };
  const { file, files } = await keyReader.call<typeof readTissueModel>(reading, path);
  const settings = Object.entries(file).filter(([key]) => !['license', 'note', 'onnx'].includes(key));
  return { ...Object.fromEntries(settings), rule: VERSION, weightsDigest: await digestWeights(files) };
}

/** Returns what is wrong with a tissue model file or missing on this machine by a quick check. */
export function lackOfTissueModel(given: string, base: string): MissingResource | undefined {
  const path = resolve(base, given);
  return existsSync(path) ? findMissingModelFile(() => readTissueModel(path)) : undefined;
}

/** Checks by what was checked, because a plan asks for every slide. */
const checks = new Map<string, Promise<unknown>>();

/**
 * Loads the model and runs it on one empty tile, in a separate process.
 * @throws SamMilError InvalidInput if input or output do not match the file, or the model fails
 */
export async function checkTissueModel(path: string): Promise<void> {
  // A plan installs nothing.
  if (!hasOnnxRuntime()) return;
  const key = canonicalJson([path, await keyOfTissueModel(path)]);
  const reading = { module: NETWORK, name: 'probeTissueNetwork', file: path };
  const check = checks.get(key) ?? keyReader.call<typeof probeTissueNetwork>(reading, path);
  checks.set(key, check);
  try {
    await check;
  } catch (error) {
    // A reader that ran out of time may succeed later; the same model fails in the same way.
    if (error instanceof SamMilError && error.code === 'Unavailable') checks.delete(key);
    throw error;
  }
}
