import { dirname } from 'node:path';
import { digestOf } from '../../digest.js';
import type { Catalog } from '../../activity-schema.js';
import { checkPipeline } from './check/check-pipeline.js';
import type { PipelineDocument } from './read/document.js';
import type { ParamSources } from './read/params.js';
import { parsePipeline } from './read/parse-pipeline.js';
import { planPipeline } from './planner.js';
import type { Plan } from './plan/plan.js';
import { hasErrors, ProblemList, type Problem } from './problems/problems.js';

export interface LoadOptions {
  /** Absolute path of the pipeline file. */
  file: string;
  catalog: Catalog;
  /** Absolute folder the command runs in. */
  cwd: string;
  /** `--set name=value`, in order. */
  set?: ParamSources['set'];
  /** `--params-file`. */
  overlay?: ParamSources['overlay'];
  /** `--work`. */
  work?: string;
  /** Whether a file or folder exists. With it, files named in the pipeline are looked for; without it, the file system is not asked. */
  exists?: (path: string) => boolean;
  /** Params without a value are no problem: the file is only being checked. Then there may be no plan. */
  withoutValues?: boolean;
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
  const { file, catalog, cwd, set = [], overlay, work } = options;
  const base = dirname(file);
  const { document, problems: found } = parsePipeline(text, { base, cwd, set, overlay });
  const problems = new ProblemList();
  problems.addAll(found);
  if (document === undefined) return { problems: problems.sorted() };
  const files = options.exists && { base, exists: options.exists };
  problems.addAll(checkPipeline(document, catalog, files));
  const { unset } = document.known;
  for (const { name, place, faulty } of document.params) {
    if (!unset.has(name) || faulty || options.withoutValues) continue;
    const message = `the param \`${name}\` has no default and was given no value`;
    problems.error('missing-param', place, message, `give it with --set ${name}=…`);
  }
  const sorted = certain(problems.sorted());
  if (hasErrors(sorted) || unset.size > 0) return { problems: sorted, document };
  const source = { path: file, digest: digestOf(text) };
  return { problems: sorted, document, plan: planPipeline(document, { catalog, source, base, cwd, work }) };
}

/** What cannot be read refers to things unseen: "unused" is said only of a file without errors. */
function certain(problems: Problem[]): Problem[] {
  const unused: readonly string[] = ['unused-param', 'unused-need', 'unused-item'];
  return hasErrors(problems) ? problems.filter(({ code }) => !unused.includes(code)) : problems;
}
