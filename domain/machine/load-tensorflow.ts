import { createRequire } from 'node:module';
import { requireFrom } from './npm-packages.js';

/**
 * Loads a package of TensorFlow.js from the folder in which the set-up installed it. TensorFlow.js calls
 * functions of `util` that Node 23 removed, so they are restored first with Node's own definitions.
 */
export function requireTensorFlow(packages: string, name: string): unknown {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  return requireFrom(packages)(name);
}
