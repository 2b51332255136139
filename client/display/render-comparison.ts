import type { CallTest } from '../../domain/pipeline/report/data/out-of-fold.js';
import type { BootstrapTest } from '../../domain/pipeline/report/data/endpoint-results.js';
import { canonicalJson, type Json } from '../../domain/json.js';
import type { GroupComparison, RunComparison, ShownRun } from './compare-runs.js';
import { numberText, spreadCells, spreadColumns, type Spread } from './read-metrics.js';
import type { Palette } from './render-status.js';
import { plural } from './render-text.js';
import { renderTable, type TableOptions } from './tables.js';

/** Renders a comparison: what differs in the params, then a row per group and metric. */
export function renderComparison(
  before: ShownRun,
  after: ShownRun,
  { params, files, groups, only }: RunComparison,
  options: TableOptions,
  palette: Palette,
): string[] {
  const { csv } = options;
  const sides = ['before', 'after'].flatMap((title) => spreadColumns(title, csv));
  const table = renderTable(
    ['group', 'metric', ...sides, 'change', 'p'],
    groups.flatMap((group) => groupRows(group, csv)),
    options,
    palette,
    [2, 3, 4, 5],
  );
  // A spreadsheet takes only the table; `--json` has everything.
  if (csv) return table;
  const values = params.map(({ name, before: a, after: b }) => [name, valueText(a), valueText(b)]);
  const rows = [['run', before.entry.run, after.entry.run], ...values];
  const differ = params.length > 0 ? [] : ['the params are the same'];
  return [
    ...renderTable(['', 'before', 'after'], rows, options, palette),
    ...[...differ, ...(files ? ['the pipeline files differ'] : [])].map(palette.dim),
    '',
    ...table,
    '',
    ...[...notes(groups), ...onlyNotes(only, groups.length)].map(palette.dim),
  ];
}

function groupRows({ group, metrics, ...test }: GroupComparison, csv = false): string[][] {
  return metrics.map(({ metric, title, before, after }, i) => [
    csv || i === 0 ? group : '',
    title,
    ...spreadCells(before, csv),
    ...spreadCells(after, csv),
    changeText(before, after, csv),
    testCell(metric, test, csv),
  ]);
}

/**
 * The p value of DeLong's test of the AUC, with more than two classes of McNemar's test, or of the bootstrap
 * of another endpoint.
 */
function testCell(
  metric: string,
  { tests, calls, bootstrap }: Pick<GroupComparison, 'tests' | 'calls' | 'bootstrap'>,
  csv: boolean,
): string {
  const text = (p: number) => (csv ? `${p}` : pText(p));
  if (bootstrap !== undefined) return metric === bootstrap.metric ? text(bootstrap.p) : '';
  if (calls !== undefined) return metric === 'accuracy' ? text(calls.p) : '';
  return metric === 'auc' ? testText(tests, csv) : '';
}

/** One line about the groups that only one run has. */
function onlyNotes({ before, after }: RunComparison['only'], shared: number): string[] {
  const sides = [
    ...(before.length > 0 ? [`before: ${before.join(', ')}`] : []),
    ...(after.length > 0 ? [`after: ${after.join(', ')}`] : []),
  ];
  if (sides.length === 0) return [];
  return [
    `${shared === 0 ? 'the runs have no group in common' : 'not shown'}; only ${sides.join('; only ')}`,
  ];
}

function notes(groups: readonly GroupComparison[]): string[] {
  const tests = groups.flatMap((group) => group.tests);
  const untested = groups.flatMap(({ group, untested: why }) =>
    why === undefined ? [] : [`no test of ${group}: ${why}`],
  );
  const slides = [...new Set(tests.map((test) => test.slides))].map((count) => plural(count, 'slide'));
  const method = `p: paired DeLong test of the AUC over the pooled scores of the same ${slides.join(' or ')}; not corrected`;
  const calls = groups.flatMap((group) => group.calls ?? []).map(callsNote);
  const bootstrap = groups.flatMap((group) => group.bootstrap ?? []).map(bootstrapNote);
  return [...(tests.length > 0 ? [method] : []), ...new Set([...calls, ...bootstrap]), ...untested];
}

function bootstrapNote({ metric, patients }: BootstrapTest): string {
  const shown = metric === 'rmse' ? 'RMSE' : metric;
  return `p: paired bootstrap of the ${shown} over the pooled predictions of the same ${plural(patients, 'patient')}; not corrected`;
}

function callsNote({ slides, repeats, onlyFirst, onlySecond }: CallTest): string {
  const called = repeats.length > 1 ? ', called by the mean probability over the repeats' : '';
  return `p: exact McNemar test of the calls of the same ${plural(slides, 'slide')}${called}; correct only before: ${onlyFirst}, only after: ${onlySecond}; not corrected`;
}

function testText(tests: GroupComparison['tests'], csv: boolean): string {
  const p = tests.at(0)?.result.pTwoSided;
  if (p === undefined) return csv ? '' : 'n/a';
  if (Number.isNaN(p)) return csv ? '' : 'equal';
  return csv ? `${p}` : pText(p);
}

function pText(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

function changeText(before: Spread | undefined, after: Spread | undefined, csv: boolean): string {
  if (before?.mean == null || after?.mean == null) return csv ? '' : 'n/a';
  const change = after.mean - before.mean;
  if (csv) return `${change}`;
  return `${change >= 0 ? '+' : '−'}${numberText(Math.abs(change))}`;
}

/** A value of a param on one line. */
export function valueText(value: Json | undefined): string {
  if (value === undefined) return '(not given)';
  return typeof value === 'string' ? value : canonicalJson(value);
}

/** The object that `metrics diff --json` prints. */
export function comparisonObject(
  before: ShownRun,
  after: ShownRun,
  { params, files, groups, only }: RunComparison,
): object {
  return {
    before: before.entry.run,
    after: after.entry.run,
    params: Object.fromEntries(
      params.map(({ name, before: a, after: b }) => [name, { before: a ?? null, after: b ?? null }]),
    ),
    pipeline_files_differ: files,
    only_before: only.before,
    only_after: only.after,
    groups: groups.map(({ group, metrics, tests, calls, bootstrap, untested }) => ({
      group,
      metrics: Object.fromEntries(
        metrics.map(({ metric, before: a, after: b }) => [metric, { before: a ?? null, after: b ?? null }]),
      ),
      tests: tests.map(({ repeats, slides, result }) => ({
        repeats,
        slides,
        auc_before: result.aucA,
        auc_after: result.aucB,
        p_two_sided: Number.isNaN(result.pTwoSided) ? null : result.pTwoSided,
      })),
      ...(calls === undefined
        ? {}
        : {
            mcnemar: {
              repeats: calls.repeats,
              slides: calls.slides,
              correct_only_before: calls.onlyFirst,
              correct_only_after: calls.onlySecond,
              p_two_sided: calls.p,
            },
          }),
      ...(bootstrap && {
        bootstrap: {
          metric: bootstrap.metric,
          repeats: bootstrap.repeats,
          patients: bootstrap.patients,
          before: bootstrap.first,
          after: bootstrap.second,
          p_two_sided: bootstrap.p,
        },
      }),
      ...(untested === undefined ? {} : { untested }),
    })),
  };
}
