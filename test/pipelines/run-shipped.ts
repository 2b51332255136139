import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { loadPipeline } from '../../domain/engine/language/load-pipeline.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { renderProblems } from '../../domain/engine/language/problems/render-problems.js';
import type { Spread } from '../../domain/pipeline/report/data/summary.js';
import type { TestEngine } from '../support/engine.js';
import { checkout } from '../support/fixtures.js';

/** The part of a report's `metrics.json` that the tests check. */
export interface Summary {
  groups: {
    group: string;
    repeats: number;
    folds: number;
    protocol: string;
    optimistic: boolean;
    protocols: Record<string, Record<string, { repeats: Spread | null; folds: Spread | null }>>;
  }[];
  pooled: { group: string; auc: Spread | null }[];
  comparisons: { a: string; b: string; repeats: number[]; p_two_sided: number | null; p_holm: number }[];
  sweeps?: { parameter: string; points: { value: number; folds: number }[] }[];
  lesion: { slide: string; set: string | null; score: string }[];
  folds: { cell: string }[];
}

/** Plans a pipeline of `pipelines/` with params, as `sam-mil run` does. */
export async function planShipped(
  name: string,
  set: Readonly<Record<string, string>>,
  work?: string,
): Promise<Plan> {
  const registry = await loadRegistry();
  const catalog = Object.fromEntries(registry.names.map((known) => [known, registry.require(known)]));
  const file = join(checkout, 'pipelines', `${name}.yaml`);
  const text = readFileSync(file, 'utf8');
  const options = {
    file,
    catalog,
    cwd: '/',
    set: Object.entries(set),
    ...(work === undefined ? {} : { work }),
  };
  const { plan, problems } = loadPipeline(text, options);
  assert.equal(renderProblems(problems, text, name), '');
  return plan!;
}

/** Runs a pipeline to its end with a real server and worker, and reads the summary of its report stage. */
export async function runShipped(engine: TestEngine, plan: Plan, report: string): Promise<Summary> {
  const status = await engine.finish({ ...plan, onFailure: 'fail' }, { run: plan.name });
  assert.equal(status.state, 'done', `${status.message}: ${JSON.stringify(status.stages)}`);
  return JSON.parse(readFileSync(join(plan.work, report, 'metrics.json'), 'utf8')) as Summary;
}
