import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { Registry } from '../../activities/define/registry.js';
import { SamMilError } from '../../domain/errors.js';
import type { Catalog } from '../../domain/activity-schema.js';
import { loadPipeline, type LoadedPipeline } from '../../domain/engine/language/load-pipeline.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import type { Problem } from '../../domain/engine/language/problems/problems.js';
import { renderProblems } from '../../domain/engine/language/problems/render-problems.js';
import { paletteFor } from '../display/display.js';
import { EXIT, Exit, invalid } from '../command-line/errors.js';
import { collect } from '../command-line/options.js';
import type { Palette } from '../display/render-status.js';

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

/** `--plugin` is added by the commands themselves: those that run have it already. */
export function addFileOptions(command: Command): Command {
  return command
    .option('--set <name=value>', 'value of a param; may be given several times', collect)
    .option('--params-file <file>', 'YAML file of param values')
    .option('--work <folder>', 'work folder, over the one of the file (default: ./work/<pipeline name>)');
}

/** Reads and checks a pipeline file. Problems of the file are in the result; a file that can't be read at all throws `InvalidInput`. */
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

/** The plan of a file; where it has errors they are printed to stderr and the command ends with code 2. */
export async function loadPlan(
  file: string,
  options: FileOptions,
): Promise<{ plan: Plan; registry: Registry }> {
  const loaded = await loadFile(file, options);
  const { problems, plan, registry } = loaded;
  if (problems.length > 0) console.error(problemsText(loaded, paletteFor(process.stderr)));
  if (plan !== undefined) return { plan, registry };
  console.error(`\nsam-mil: ${file} can not run: ${countText(problems)}`);
  throw new Exit(EXIT.invalid);
}

export function catalogOf(registry: Registry): Catalog {
  return Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));
}

export function problemsText({ problems, text, file, others }: LoadedFile, palette: Palette): string {
  const { red: error, yellow: warning, dim: faint, bold: strong } = palette;
  return renderProblems(problems, text, file, { error, warning, faint, strong }, others);
}

export function countText(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const parts = [];
  if (errors > 0) parts.push(`${errors} error${errors === 1 ? '' : 's'}`);
  if (warnings > 0) parts.push(`${warnings} warning${warnings === 1 ? '' : 's'}`);
  return parts.join(', ') || 'no problems';
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
