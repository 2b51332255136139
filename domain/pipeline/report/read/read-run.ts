import { packageVersion } from '../../../package-root.js';
import { errorText } from '../../../errors.js';
import type { ItemRecord } from '../../../job.js';
import { isJsonObject, type Json, type JsonObject } from '../../../json.js';
import type { FoundRecord } from '../../../files/json-record.js';
import { PLAN } from '../../../engine/language/plan/plan-record.js';
import type { Plan } from '../../../engine/language/plan/plan.js';
import { LOCK_RECORD } from '../../../engine/store/run-records.js';
import { lockPath, planPath, relativeToWork } from '../../../engine/store/paths.js';
import type { RunEvent } from '../../../engine/store/run-events.js';
import type { EvaluatedFold, NamedDigest } from '../data/evaluated-fold.js';
import type { LeftOut, RunFacts } from '../data/report-data.js';

/**
 * Collects the facts about the run from its plan and lock file, if present, and from this process. A report
 * of files without a run record has fewer facts.
 */
export function readRunFacts(
  work: string,
  run: string | undefined,
  plan: Plan | null,
  folds: readonly EvaluatedFold[],
  inputs: readonly NamedDigest[],
): RunFacts {
  const lock = run === undefined ? null : valueOf(LOCK_RECORD.readNow(lockPath(work, run)));
  const seeds = new Map(folds.map(({ metrics }) => [metrics.repeat, metrics.seed]));
  return {
    id: run ?? null,
    work,
    lock: lock === null ? null : (relativeToWork(work, lockPath(work, run!)) ?? null),
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

/** Null if there is no run or no record of it. */
export function readPlan(work: string, run: string | undefined): Plan | null {
  return run === undefined ? null : valueOf(PLAN.readNow(planPath(work, run)));
}

/** A damaged record counts as absent: the report then has fewer facts. */
function valueOf<T>(found: FoundRecord<T>): T | null {
  return found.state === 'valid' ? found.value : null;
}

/**
 * Lists the software and weights that affected the results, from the lock file, if present, and from the
 * checkpoints and features.
 */
function collectVersions(lock: JsonObject | null, folds: readonly EvaluatedFold[]): [string, string][] {
  const versions = new Map<string, string>();
  const add = (name: string, value: Json | undefined) => {
    if (typeof value === 'string' || typeof value === 'number') versions.set(name, `${value}`);
  };
  add('sam-mil', lock?.engine ?? packageVersion());
  add('commit', asObject(lock?.header).git);
  add('node', lock?.node ?? process.version);
  for (const { metrics } of folds) {
    add('backend', metrics.training.backend);
    Object.entries(asObject(metrics.training.versions)).forEach(([name, version]) => add(name, version));
  }
  for (const weights of Object.values(asObject(lock?.weights))) {
    for (const [kind, facts] of Object.entries(asObject(weights)))
      add(kind, describeWeights(asObject(facts)));
  }
  for (const { metrics } of folds) {
    const {
      encoder,
      encoder_version: version,
      encoder_weights: weightsDigest,
    } = asObject(metrics.training.features);
    if (!versions.has('encoder')) add('encoder', describeWeights({ name: encoder, version, weightsDigest }));
  }
  const { worker, planned } = asObject(lock?.activities);
  const activities = Object.entries(asObject(worker ?? planned)).map(
    ([name, version]) => `${name} ${toText(version)}`,
  );
  if (activities.length > 0) add('activities', activities.join(', '));
  return [...versions];
}

/** `resnet50, version 1, weights sha256:...`; undefined without a name. */
function describeWeights({
  name,
  version,
  weightsDigest,
}: Record<string, Json | undefined>): string | undefined {
  if (typeof name !== 'string') return undefined;
  const known = typeof version === 'string' || typeof version === 'number' ? `, version ${version}` : '';
  return `${name}${known}${typeof weightsDigest === 'string' ? `, weights ${weightsDigest}` : ''}`;
}

function asObject(value: Json | undefined): Record<string, Json | undefined> {
  return isJsonObject(value ?? null) ? (value as JsonObject) : {};
}

function toText(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Lists the items that the results lack because they were skipped or failed in this stage or an earlier one,
 * each once.
 * @param given items of the stages passed to the report, by display name
 * @param events of the run, in order of time
 */
export function collectLeftOut(
  given: Readonly<Record<string, readonly ItemRecord[]>>,
  events: readonly RunEvent[],
): LeftOut[] {
  const left = new Map<string, LeftOut>();
  const last = new Map<string, RunEvent>();
  for (const event of events) if (event.event !== 'started') last.set(`${event.stage}\n${event.item}`, event);
  for (const { stage, item, event, step, error, message } of last.values()) {
    if (event !== 'failed' && event !== 'skipped') continue;
    const reason = error === undefined ? message || `step ${step}` : `${error.code}: ${errorText(error)}`;
    left.set(`${item}\n${event}\n${reason}`, { stage, item, status: event, reason, error });
  }
  const reported = new Set([...left.values()].map(({ item, status }) => `${item}\n${status}`));
  for (const [stage, items] of Object.entries(given)) {
    for (const { key, status, reason = 'no reason recorded', error } of items) {
      if (status === 'done' || reported.has(`${key}\n${status}`)) continue;
      left.set(`${stage}\n${key}`, { stage, item: key, status, reason, error });
    }
  }
  return [...left.values()];
}
