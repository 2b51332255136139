import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ItemRecord } from '../job.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { Plan } from '../language/plan.js';
import { lockPath, planPath } from '../store/paths.js';
import type { RunEvent } from '../store/run-events.js';
import type { FoldResult, LeftOut, NamedDigest, RunFacts } from './report-data.js';

/**
 * What is known of the run: from its plan and lock where they are there, and from this process. A report can also be made of files that no run
 * left a record of; then these facts are simply fewer.
 */
export function readRunFacts(
  work: string,
  run: string | undefined,
  folds: readonly FoldResult[],
  inputs: readonly NamedDigest[],
): RunFacts {
  const plan = run === undefined ? null : (readJson(planPath(work, run)) as unknown as Plan | null);
  const lock = run === undefined ? null : readJson(lockPath(work, run));
  const seeds = new Map(folds.map(({ metrics }) => [metrics.repeat, metrics.seed]));
  return {
    id: run ?? null,
    pipeline: plan?.name ?? null,
    description: plan?.description || null,
    source: plan?.source
      ? { path: plan.source.path.split(/[\\/]/).pop() ?? '', digest: plan.source.digest }
      : null,
    params: plan?.params ?? {},
    versions: collectVersions(lock, folds),
    seeds: [...seeds].sort(([a], [b]) => a - b).map(([repeat, seed]) => ({ repeat, seed })),
    inputs: [...inputs],
  };
}

function readJson(path: string): JsonObject | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json;
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Members of the lock file that tell what software and weights a run used. */
const LOCKED = ['versions', 'activities', 'models', 'weights', 'git'];

function collectVersions(lock: JsonObject | null, folds: readonly FoldResult[]): [string, string][] {
  const versions = new Map<string, string>([
    ['sam-mil', appVersion() ?? 'unknown'],
    ['node', process.version],
  ]);
  const add = (prefix: string, value: Json | undefined) => {
    if (isJsonObject(value ?? null)) {
      Object.entries(value as JsonObject).forEach(([name, member]) =>
        add(prefix === '' ? name : `${prefix} ${name}`, member),
      );
    } else if (typeof value === 'string' || typeof value === 'number') versions.set(prefix, `${value}`);
  };
  for (const { metrics } of folds) {
    add('', metrics.training.versions);
    add('backend', metrics.training.backend);
    add('features', metrics.training.features);
  }
  for (const name of LOCKED) add(name === 'versions' ? '' : name, lock?.[name]);
  return [...versions];
}

/** Version in the package.json above this file, whether it runs from the checkout or from its build folder. */
function appVersion(): string | null {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const path = join(folder, 'package.json');
    const version = existsSync(path) ? readJson(path)?.version : undefined;
    if (typeof version === 'string') return version;
  }
  return null;
}

/**
 * What is missing from the numbers: items that were skipped or failed, here or in a stage before, each once.
 * @param given items of the stages the report was handed, by what to call them
 * @param events of the run, by time
 */
export function collectLeftOut(
  given: Readonly<Record<string, readonly ItemRecord[]>>,
  events: readonly RunEvent[],
): LeftOut[] {
  const left = new Map<string, LeftOut>();
  const last = new Map<string, RunEvent>();
  for (const event of events) if (event.event !== 'started') last.set(`${event.stage}\n${event.item}`, event);
  for (const { stage, item, event, step, code, message } of last.values()) {
    if (event !== 'failed' && event !== 'skipped') continue;
    const reason = [code, message].filter(Boolean).join(': ') || `step ${step}`;
    left.set(`${item}\n${event}\n${reason}`, { stage, item, status: event, reason });
  }
  const told = new Set([...left.values()].map(({ item, status }) => `${item}\n${status}`));
  for (const [stage, items] of Object.entries(given)) {
    for (const { key, status, reason } of items) {
      if (status === 'done' || told.has(`${key}\n${status}`)) continue;
      left.set(`${stage}\n${key}`, { stage, item: key, status, reason: reason ?? 'no reason was recorded' });
    }
  }
  return [...left.values()];
}
