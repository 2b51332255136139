import { canonicalJson, type Json, type JsonObject } from '../../domain/json.js';
import { asSamMilError } from '../../domain/machine/threads/wire-error.js';
import { keptFile } from '../../domain/engine/store/run-results.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { compareCalls, comparePair, type CallTest } from '../../domain/pipeline/report/data/out-of-fold.js';
import type { BootstrapTest } from '../../domain/pipeline/report/data/endpoint-results.js';
import { regressionTests } from '../../domain/pipeline/report/data/regression-results.js';
import { survivalTests } from '../../domain/pipeline/report/data/survival-results.js';
import {
  readEvaluation,
  sortByEndpoint,
  type ReadEvaluation,
} from '../../domain/pipeline/report/read/read-evaluations.js';
import type { PairTest } from '../../domain/pipeline/report/data/report-data.js';
import { readRunPlan, type RunEntry } from '../run/run-index.js';
import {
  columnsOf,
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
  /** Groups that both runs have. */
  groups: GroupComparison[];
  /** Names of the groups that only one run has. */
  only: { before: string[]; after: string[] };
}

export interface GroupComparison {
  group: string;
  metrics: { metric: string; title: string; before?: Spread; after?: Spread }[];
  /** A paired DeLong test of the AUC over the repeats in which both runs scored the same slides, or none. */
  tests: PairTest[];
  /** With more than two classes: McNemar's test of the calls. */
  calls?: CallTest;
  /** Of survival or regression: a paired bootstrap of the concordance or the RMSE. */
  bootstrap?: BootstrapTest;
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
  const pairs = pairGroups(before.summary.groups, after.summary.groups);
  const without = (all: readonly GroupMetrics[]) =>
    all.filter((group) => !pairs.flat().includes(group)).map(({ group }) => group);
  for (const [a, b] of pairs)
    groups.push(await compareGroup({ run: before, group: a }, { run: after, group: b }));
  return {
    params: differences(before.plan.params, after.plan.params),
    files: before.plan.source.digest !== after.plan.source.digest,
    groups,
    only: { before: without(before.summary.groups), after: without(after.summary.groups) },
  };
}

/** Params that have different values, sorted by name. A param that only one has is absent in the other. */
function differences(before: JsonObject, after: JsonObject): RunComparison['params'] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

/** Groups of the same name; if each run has a single group, these two. */
function pairGroups(
  before: readonly GroupMetrics[],
  after: readonly GroupMetrics[],
): [GroupMetrics, GroupMetrics][] {
  if (before.length === 1 && after.length === 1) return [[before[0], after[0]]];
  return before.flatMap((a): [GroupMetrics, GroupMetrics][] => {
    const b = after.find(({ group }) => group === a.group);
    return b === undefined ? [] : [[a, b]];
  });
}

interface Side {
  run: ShownRun;
  group: GroupMetrics;
}

async function compareGroup(before: Side, after: Side): Promise<GroupComparison> {
  const names = [before, after].map(({ group }) => group.group);
  const spread = ({ run, group }: Side, metric: string) => spreadOf(run.summary, group, metric);
  const metrics = columnsOf([before.group, after.group]).map(([metric, title]) => {
    return { metric, title, before: spread(before, metric), after: spread(after, metric) };
  });
  return { group: [...new Set(names)].join(' → '), metrics, ...(await testGroup(before, after)) };
}

const NO_BOOTSTRAP =
  'the runs did not score the same patients, or have no bootstrap replicates or risks that can be pooled';
const OTHER_SLIDES = 'the runs did not score the same slides';

async function testGroup(
  before: Side,
  after: Side,
): Promise<Pick<GroupComparison, 'tests' | 'calls' | 'bootstrap' | 'untested'>> {
  try {
    const read = [...(await readSide(before, 'before')), ...(await readSide(after, 'after'))];
    const { classified: folds, survival, regression } = sortByEndpoint(read);
    if (folds.length < read.length) {
      if (![folds, survival, regression].some(({ length }) => length === read.length))
        return { tests: [], untested: 'the runs have different endpoints' };
      const pair = [{ a: 'before', b: 'after' }];
      const [bootstrap] = [...survivalTests(survival, pair), ...regressionTests(regression, pair)];
      return bootstrap === undefined ? { tests: [], untested: NO_BOOTSTRAP } : { tests: [], bootstrap };
    }
    if (folds.some(({ metrics }) => metrics.classes.length !== 2)) {
      const calls = compareCalls(folds, 'before', 'after');
      return calls === undefined ? { tests: [], untested: OTHER_SLIDES } : { tests: [], calls };
    }
    const tests = comparePair(folds, 'before', 'after');
    return tests.length > 0 ? { tests } : { tests, untested: OTHER_SLIDES };
  } catch (error) {
    return { tests: [], untested: asSamMilError(error).what };
  }
}

/** Reads the evaluations of a group from the run's copies. */
async function readSide({ run, group }: Side, side: string): Promise<ReadEvaluation[]> {
  const { work, run: name } = run.entry;
  const own = (run.summary.folds ?? []).filter((fold) => fold.group === group.group);
  return Promise.all(
    own.map(async ({ files }) => {
      const read = ({ path, digest }: { path: string; digest: string }) => keptFile(work, name, path, digest);
      const paths = { metrics: await read(files.metrics), predictions: await read(files.predictions) };
      return readEvaluation({ group: side, values: {}, fields: {}, files }, paths);
    }),
  );
}
