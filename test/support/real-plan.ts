import assert from 'node:assert/strict';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { loadPipeline, type LoadOptions } from '../../domain/engine/language/load-pipeline.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';

/** The plan of a pipeline's text with the real activities, and those of plugins. */
export async function realPlan(
  text: string,
  options: Omit<LoadOptions, 'catalog'>,
  plugins: readonly string[] = [],
): Promise<Plan> {
  const registry = await loadRegistry(plugins);
  const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));
  const { plan, problems } = loadPipeline(text, { ...options, catalog });
  assert.ok(plan, JSON.stringify(problems));
  return plan;
}
