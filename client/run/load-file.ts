import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { absoluteSpec, pluginPaths } from '../../activities/plugins/find-plugin.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { PluginFault } from '../../activities/plugins/plugin-fault.js';
import type { Registry } from '../../activities/define/registry.js';
import { SamMilError } from '../../domain/errors.js';
import { modelNamesOf } from '../../domain/mil/models/registry.js';
import type { Catalog } from '../../domain/activity-schema.js';
import {
  completePipeline,
  readPipeline,
  type LoadedPipeline,
} from '../../domain/engine/language/load-pipeline.js';
import { ProblemList, type Problem } from '../../domain/engine/language/problems/problems.js';
import type { Named } from '../../domain/engine/language/read/document.js';
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
  /** Package names or module paths of plugins, in addition to those that the file names. */
  plugin?: string[];
  /** False: the plugins that the file names are not loaded, and what they may add is not checked. */
  loadPlugins?: boolean;
}

export interface LoadedFile extends LoadedPipeline {
  /** As given, for messages. */
  file: string;
  text: string;
  registry: Registry;
  /** Text of the params file by its name, for rendering problems. */
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
  return loadText(file, readText(file, 'the pipeline file'), options, withoutValues);
}

/** {@link loadFile} for a text that may not be saved yet. */
export async function loadText(
  file: string,
  text: string,
  options: FileOptions,
  withoutValues = false,
): Promise<LoadedFile> {
  const overlay = options.paramsFile === undefined ? undefined : readOverlay(options.paramsFile);
  const set = (options.set ?? []).map(splitSet);
  const source = { file: resolve(file), cwd: process.cwd(), set, overlay };
  const parsed = readPipeline(text, source);
  const { loadPlugins: load = true } = options;
  const named = parsed.document?.plugins ?? [];
  const { registry, problems } = await loadPlugins(load ? named : [], dirname(source.file), options.plugin);
  const loaded = completePipeline(text, parsed, {
    ...source,
    catalog: createCatalog(registry),
    plugins: {
      loaded: registry.external.map(({ spec }) => spec),
      problems,
      incomplete: !load && named.length > 0,
    },
    work: options.work,
    withoutValues,
    exists: existsSync,
  });
  const others = new Map(overlay === undefined ? [] : [[overlay.file, overlay.text]]);
  return { ...loaded, file, text, registry, others };
}

/**
 * Loads the plugins that a file names, then those of the command line. A faulty plugin of the file becomes a
 * problem of the file.
 * @param from folder of the file
 * @throws PluginFault for a faulty plugin of the command line
 */
async function loadPlugins(
  named: readonly Named[],
  from: string,
  given: readonly string[] = [],
): Promise<{ registry: Registry; problems: Problem[] }> {
  const problems = new ProblemList();
  const places = new Map(named.map(({ name, place }) => [absoluteSpec(name, from), place]));
  const fromCommand = given.map((spec) => absoluteSpec(spec, process.cwd()));
  const onFault = (fault: PluginFault, spec: string) => {
    const place = places.get(spec);
    if (place === undefined) throw fault;
    const { expected, found, next } = fault.facts;
    const facts = [...(expected ? [`expected ${expected}`] : []), ...(found ? [`found ${found}`] : [])];
    problems.error(fault.problem, place, [fault.what, ...facts].join('; '), next);
  };
  const registry = await loadRegistry([...places.keys(), ...fromCommand], { from, onFault });
  return { registry, problems: problems.sorted() };
}

/**
 * Returns the absolute paths of the plugins that a pipeline file names.
 * @throws PluginFault for a plugin that is not installed
 * @throws InvalidPipelineError for a file that is not a pipeline
 */
export function pluginsNamedBy(file: string): string[] {
  const source = { file: resolve(file), cwd: process.cwd() };
  const { document, problems } = readPipeline(readText(file, 'the pipeline file'), source);
  if (document === undefined) throw new InvalidPipelineError(file, problems);
  const names = document.plugins.map(({ name }) => name);
  return pluginPaths(names, dirname(source.file));
}

/**
 * Returns the part of a file's plan that the selection chooses.
 * @throws InvalidPipelineError for a file with errors
 * @throws SamMilError InvalidInput for a stage or item that does not exist, and for mutually exclusive
 * options
 */
export function selectPlan(
  { plan, file, problems }: LoadedFile,
  selection: Selection & { force?: readonly string[] },
): SelectedPlan {
  if (plan === undefined) throw new InvalidPipelineError(file, problems);
  checkForced(plan, selection.force);
  return selectStages(plan, selection);
}

/** The activities of a registry, with the models of its plugins only: other files may have loaded more. */
export function createCatalog(registry: Registry): Catalog {
  const models = modelNamesOf(registry.plugins);
  const entries = registry.names.map((name) => {
    const definition = registry.require(name);
    const parameters = definition.withModels?.(models);
    return [name, parameters === undefined ? definition : { ...definition, with: parameters }] as const;
  });
  return Object.fromEntries(entries);
}

function readOverlay(file: string): { text: string; file: string; folder: string } {
  return { text: readText(file, 'the params file'), file, folder: dirname(resolve(file)) };
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const shown = relative(process.cwd(), resolve(file)) || file;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const next = `correct the path; it starts from ${isAbsolute(file) ? 'the root' : process.cwd()}`;
      throw new SamMilError('InvalidInput', `${what} does not exist`, { file: shown, next, cause });
    }
    throw new SamMilError('InvalidInput', `${what} cannot be read`, {
      file: shown,
      found: code === 'EISDIR' ? 'a folder' : message,
      next: 'check that the path leads to a readable file',
      cause,
    });
  }
}

function splitSet(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw invalid(`--set ${text} has no value`, `write --set ${text}=VALUE`);
}
