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
  /** What became of the plugins that the file names. */
  plugins?: PluginOutcome;
  /** `--work`. */
  work?: string;
  /** Whether a file or folder exists. With it, files named in the pipeline are looked for; without it, the file system is not asked. */
  exists?: (path: string) => boolean;
  /** Params without a value are no problem: the file is only being checked. Then there may be no plan. */
  withoutValues?: boolean;
}

export interface PluginOutcome {
  /** Those that were loaded, as a plan names them. Their activities are in the catalog. */
  loaded: readonly string[];
  problems: readonly Problem[];
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
  /** Everything wrong or suspicious, in the order of the file. */
  problems: Problem[];
  document?: PipelineDocument;
  /** Present exactly where there are no errors (and, with `withoutValues`, every param has a value). */
  plan?: Plan;
}

/** From the text of a pipeline file to its plan, or to all that keeps it from having one. Reads no file and starts nothing. */
export function loadPipeline(text: string, options: LoadOptions): LoadedPipeline {
  return completePipeline(text, readPipeline(text, options), options);
}

/** The first half of {@link loadPipeline}, which needs no catalog: it tells which plugins have to be in there. */
export function readPipeline(text: string, { file, cwd, set = [], overlay }: ReadOptions): ParsedPipeline {
  return parsePipeline(text, { base: dirname(file), cwd, set, overlay });
}

/** The second half. */
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
  const unseen = hasErrors(plugins?.problems ?? []) ? OF_PLUGINS : [];
  problems.addAll(checkPipeline(document, catalog, files).filter(({ code }) => !unseen.includes(code)));
  const { unset } = document.known;
  for (const { name, place, faulty } of document.params) {
    if (!unset.has(name) || faulty || options.withoutValues) continue;
    const message = `the param \`${name}\` has no default and was given no value`;
    problems.error('missing-param', place, message, `give it with --set ${name}=…`);
  }
  const sorted = certain(problems.sorted());
  if (hasErrors(sorted) || unset.size > 0) return { problems: sorted, document };
  const source = { path: file, digest: digestOf(text) };
  const settings = { catalog, source, base, cwd, work, plugins: plugins?.loaded };
  return { problems: sorted, document, plan: planPipeline(document, settings) };
}

/** What may be right with the plugin that could not be loaded: an activity, its parameters, the name of a model. */
const OF_PLUGINS: readonly ProblemCode[] = ['unknown-activity', 'unknown-with', 'bad-value'];

/** What cannot be read refers to things unseen: "unused" is said only of a file without errors. */
function certain(problems: Problem[]): Problem[] {
  const unused: readonly string[] = ['unused-param', 'unused-need', 'unused-item'];
  return hasErrors(problems) ? problems.filter(({ code }) => !unused.includes(code)) : problems;
}
