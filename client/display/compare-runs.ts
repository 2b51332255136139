import { canonicalJson, type Json, type JsonObject } from '../../domain/json.js';
import { asSamMilError } from '../../domain/machine/threads/wire-error.js';
import { readMetricsFile } from '../../domain/mil/evaluate/metrics-file.js';
import { readPredictions } from '../../domain/mil/evaluate/predictions-file.js';
import { keptFile } from '../../domain/engine/store/run-results.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { comparePair, type ScoredFold } from '../../domain/pipeline/report/data/out-of-fold.js';
import type { PairTest } from '../../domain/pipeline/report/data/report-data.js';
import { readRunPlan, type RunEntry } from '../run/run-index.js';
import {
  COLUMNS,
  readMetrics,
  spreadOf,
  type GroupMetrics,
  type MetricsSummary,
  type Spread,
} from './read-metrics.js';

/** A run with what it showed. */
export interface ShownRun {
  entry: RunEntry;
  plan: Plan;
  summary: MetricsSummary;
}

export interface RunComparison {
  /** Params with different values. */
  params: { name: string; before?: Json; after?: Json }[];
  /** Whether the pipeline files differ. */
  files: boolean;
  groups: GroupComparison[];
}

export interface GroupComparison {
  group: string;
  metrics: { metric: string; before?: Spread; after?: Spread }[];
  /** A paired DeLong test of the AUC over the repeats in which both runs scored the same slides, or none. */
  tests: PairTest[];
  /** Why there is no test. */
  untested?: string;
}

/** @param metrics path of the run's `metrics.json` */
export async function readShownRun(entry: RunEntry, metrics: string): Promise<ShownRun> {
  return { entry, plan: readRunPlan(entry), summary: await readMetrics(metrics) };
}

/** Compares two runs: what differs in their params, and their groups of the same name. */
export async function compareRuns(before: ShownRun, after: ShownRun): Promise<RunComparison> {
  const groups: GroupComparison[] = [];
  for (const [a, b] of pairGroups(before.summary.groups, after.summary.groups))
    groups.push(await compareGroup({ run: before, group: a }, { run: after, group: b }));
  return {
    params: differences(before.plan.params, after.plan.params),
    files: before.plan.source.digest !== after.plan.source.digest,
    groups,
  };
}

/** Params that have different values, sorted by name. A param that only one has is absent in the other. */
function differences(before: JsonObject, after: JsonObject): RunComparison['params'] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

type Pair = [GroupMetrics | undefined, GroupMetrics | undefined];

/** Groups of the same name; if each run has a single group, these two. */
function pairGroups(before: readonly GroupMetrics[], after: readonly GroupMetrics[]): Pair[] {
  if (before.length === 1 && after.length === 1) return [[before[0], after[0]]];
  const names = [...new Set([...before, ...after].map(({ group }) => group))];
  const find = (groups: readonly GroupMetrics[], name: string) => groups.find(({ group }) => group === name);
  return names.map((name) => [find(before, name), find(after, name)]);
}

interface Side {
  run: ShownRun;
  group?: GroupMetrics;
}

async function compareGroup(before: Side, after: Side): Promise<GroupComparison> {
  const names = [before, after].flatMap(({ group }) => group?.group ?? []);
  const spread = ({ run, group }: Side, metric: string) => group && spreadOf(run.summary, group, metric);
  const metrics = COLUMNS.map(([metric]) => {
    return { metric, before: spread(before, metric), after: spread(after, metric) };
  });
  return { group: [...new Set(names)].join(' → '), metrics, ...(await testGroup(before, after)) };
}

async function testGroup(before: Side, after: Side): Promise<Pick<GroupComparison, 'tests' | 'untested'>> {
  if (before.group === undefined || after.group === undefined)
    return { tests: [], untested: 'only one run has it' };
  try {
    const folds = [...(await scoredFolds(before, 'before')), ...(await scoredFolds(after, 'after'))];
    if (folds.some(({ metrics }) => metrics.classes.length !== 2))
      return { tests: [], untested: 'the DeLong test takes two classes' };
    const tests = comparePair(folds, 'before', 'after');
    return tests.length > 0 ? { tests } : { tests, untested: 'the runs did not score the same slides' };
  } catch (error) {
    return { tests: [], untested: asSamMilError(error).what };
  }
}

/** Reads the predictions of a group from the run's copies. */
async function scoredFolds({ run, group }: Side, side: string): Promise<ScoredFold[]> {
  const { work, run: name } = run.entry;
  const own = (run.summary.folds ?? []).filter((fold) => fold.group === group?.group);
  return Promise.all(
    own.map(async ({ files }) => {
      const read = ({ path, digest }: { path: string; digest: string }) => keptFile(work, name, path, digest);
      const metrics = readMetricsFile(await read(files.metrics));
      const predictions = readPredictions(await read(files.predictions), metrics.classes);
      return { group: side, metrics, predictions };
    }),
  );
}
