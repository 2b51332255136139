import { dirname } from 'node:path';
import { digestOf } from '../../digest.js';
import type { Catalog } from '../../activity-schema.js';
import { checkPipeline } from './check/check-pipeline.js';
import type { PipelineDocument } from './read/document.js';
import type { ParamSources } from './read/params.js';
import { parsePipeline, type ParsedPipeline } from './read/parse-pipeline.js';
import { planPipeline } from './planner.js';
import type { Plan } from './plan/plan.js';
import type { ProblemCode } from './problems/problem-codes.js';
import { hasErrors, ProblemList, type Problem } from './problems/problems.js';

export interface LoadOptions extends ReadOptions {
  catalog: Catalog;
  /** Results of loading the plugins that the file names. */
  plugins?: PluginOutcome;
  /** `--work`. */
  work?: string;
  /**
   * Whether a file or folder exists. If set, the files named in the pipeline are checked; otherwise the file
   * system is not accessed.
   */
  exists?: (path: string) => boolean;
  /** Accepts params without a value, to check a file that is not about to run. There may then be no plan. */
  withoutValues?: boolean;
}

export interface PluginOutcome {
  /** The loaded plugins, as named in a plan. Their activities are in the catalog. */
  loaded: readonly string[];
  problems: readonly Problem[];
  /** Some plugins were not loaded, so that activities and models may be missing from the catalog. */
  incomplete?: boolean;
}

export interface ReadOptions {
  /** Absolute path of the pipeline file. */
  file: string;
  /** Absolute folder the command runs in. */
  cwd: string;
  /** `--set name=value`, in order. */
  set?: ParamSources['set'];
  /** `--params-file`. */
  overlay?: ParamSources['overlay'];
}

export interface LoadedPipeline {
  /** All errors and warnings, in file order. */
  problems: Problem[];
  document?: PipelineDocument;
  /** Present if and only if there are no errors and every param has a value. */
  plan?: Plan;
}

/**
 * Turns the text of a pipeline file into its plan, or into the problems that prevent one. Reads no file and
 * starts nothing.
 */
export function loadPipeline(text: string, options: LoadOptions): LoadedPipeline {
  return completePipeline(text, readPipeline(text, options), options);
}

/**
 * The first half of {@link loadPipeline}. It needs no catalog and returns the plugins that the catalog must
 * include.
 */
export function readPipeline(text: string, { file, cwd, set = [], overlay }: ReadOptions): ParsedPipeline {
  return parsePipeline(text, { base: dirname(file), cwd, set, overlay }, (document) => {
    // Without a catalog, only the references between the parts of the file are checked.
    return checkPipeline(document, {}).filter(({ code }) => code !== 'unknown-activity').length;
  });
}

/** The second half of {@link loadPipeline}. */
export function completePipeline(
  text: string,
  { document, problems: found }: ParsedPipeline,
  options: LoadOptions,
): LoadedPipeline {
  const { file, catalog, cwd, work, plugins } = options;
  const base = dirname(file);
  const problems = new ProblemList();
  problems.addAll(found);
  if (document === undefined) return { problems: problems.sorted() };
  problems.addAll(plugins?.problems ?? []);
  const files = options.exists && { base, exists: options.exists };
  const incomplete = plugins?.incomplete || hasErrors(plugins?.problems ?? []);
  const unseen = incomplete ? PLUGIN_CODES : [];
  problems.addAll(checkPipeline(document, catalog, files).filter(({ code }) => !unseen.includes(code)));
  const { unset } = document.known;
  const unread = found.some((problem) => problem.file !== undefined && SYNTAX_CODES.includes(problem.code));
  for (const { name, place, faulty } of document.params) {
    if (!unset.has(name) || faulty || options.withoutValues || unread) continue;
    const message = `the param \`${name}\` has no default and no value`;
    problems.error('missing-param', place, message, `set it with --set ${name}=…`);
  }
  const sorted = omitUncertain(problems.sorted());
  if (hasErrors(sorted) || unset.size > 0) return { problems: sorted, document };
  const source = { path: file, digest: digestOf(text) };
  const settings = { catalog, source, base, cwd, work, plugins: plugins?.loaded };
  return { problems: sorted, document, plan: planPipeline(document, settings) };
}

/** With these, nothing in a params file could be read: it may set any param. */
const SYNTAX_CODES: readonly ProblemCode[] = [
  'yaml-syntax',
  'tab-indent',
  'multiple-documents',
  'wrong-type',
];

/**
 * Codes of problems that may only result from a plugin that could not be loaded: an activity, its parameters,
 * the name of a model.
 */
const PLUGIN_CODES: readonly ProblemCode[] = ['unknown-activity', 'unknown-with', 'bad-value'];

/**
 * Omits "unused" warnings if there are errors: the parts that could not be read may contain the missing
 * references.
 */
function omitUncertain(problems: Problem[]): Problem[] {
  const unused: readonly string[] = ['unused-param', 'unused-need', 'unused-item'];
  return hasErrors(problems) ? problems.filter(({ code }) => !unused.includes(code)) : problems;
}
