import assert from 'node:assert/strict';
import { loadPipeline, type LoadOptions } from '../../domain/engine/language/load-pipeline.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import { TEST_CATALOG } from './test-catalog.js';

/** Loads a pipeline file's text with the activities of the tests. */
export function load(text: string, options: Partial<LoadOptions> = {}) {
  return loadPipeline(text, {
    file: '/pipelines/p.yaml',
    catalog: TEST_CATALOG,
    cwd: '/home/me',
    ...options,
  });
}

/** The plan of a text without problems. */
export function planned(text: string, options: Partial<LoadOptions> = {}): Plan {
  const { plan, problems } = load(text, options);
  assert.deepEqual(problems, []);
  assert.ok(plan);
  return plan;
}

export function stageOf(plan: Plan, name: string): StagePlan {
  const found = plan.stages.find((candidate) => candidate.name === name);
  assert.ok(found, `no stage ${name}`);
  return found;
}
