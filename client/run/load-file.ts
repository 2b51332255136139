import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { Registry } from '../../activities/define/registry.js';
import { SamMilError } from '../../domain/errors.js';
import type { Catalog } from '../../domain/activity-schema.js';
import { loadPipeline, type LoadedPipeline } from '../../domain/engine/language/load-pipeline.js';
import {
  checkForced,
  selectStages,
  type SelectedPlan,
  type Selection,
} from '../../domain/engine/language/select-stages.js';
import { invalid, InvalidPipelineError } from '../command-line/errors.js';

/** Options of every command that reads a pipeline file. */
export interface FileOptions {
  /** `name=value`, in order. */
  set?: string[];
  paramsFile?: string;
  work?: string;
  /** Modules with further activities. */
  plugin?: string[];
}

export interface LoadedFile extends LoadedPipeline {
  /** As given, for messages. */
  file: string;
  text: string;
  registry: Registry;
  /** Text of the params file, by name, for rendering. */
  others: Map<string, string>;
}

/**
 * Reads and checks a pipeline file. Its problems are in the result.
 * @throws SamMilError InvalidInput for a file or plugin that cannot be read, and for a `set` without a value
 */
export async function loadFile(
  file: string,
  options: FileOptions,
  withoutValues = false,
): Promise<LoadedFile> {
  const registry = await loadRegistry(options.plugin);
  const text = readText(file, 'the pipeline file');
  const overlay = options.paramsFile === undefined ? undefined : readOverlay(options.paramsFile);
  const loaded = loadPipeline(text, {
    file: resolve(file),
    catalog: catalogOf(registry),
    cwd: process.cwd(),
    set: (options.set ?? []).map(splitSet),
    overlay,
    work: options.work,
    withoutValues,
    exists: existsSync,
  });
  const others = new Map(overlay === undefined ? [] : [[overlay.file, overlay.text]]);
  return { ...loaded, file, text, registry, others };
}

/**
 * The part of a file's plan that is to run.
 * @throws InvalidPipelineError for a file with errors
 * @throws SamMilError InvalidInput for a stage or item that does not exist, and for options that exclude each
 * other
 */
export function selectPlan(
  { plan, file, problems }: LoadedFile,
  selection: Selection & { force?: readonly string[] },
): SelectedPlan {
  if (plan === undefined) throw new InvalidPipelineError(file, problems);
  checkForced(plan, selection.force);
  return selectStages(plan, selection);
}

export function catalogOf(registry: Registry): Catalog {
  return Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));
}

function readOverlay(file: string): { text: string; file: string; folder: string } {
  return { text: readText(file, 'the params file'), file, folder: dirname(resolve(file)) };
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const shown = relative(process.cwd(), resolve(file)) || file;
    throw new SamMilError('InvalidInput', `${what} can not be read`, {
      file: shown,
      found: (cause as Error).message,
      next: 'check the path',
      cause,
    });
  }
}

function splitSet(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw invalid(`--set ${text} has no value`, 'write --set name=value');
}
