import { Command } from 'commander';
import { EngineContext } from '../../activities/step/engine-context.js';
import { forecast, type ItemForecast, type StageForecast } from '../../activities/engine/forecast.js';
import { EXCLUDED } from '../../domain/engine/item/item-result.js';
import { listed } from '../../domain/engine/language/expressions/did-you-mean.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import { paletteFor } from '../display/display.js';
import { preflight, type Preflight } from '../../activities/engine/preflight.js';
import type { FileOptions } from '../run/load-file.js';
import { preflightLines, refuseFaults, statementsOf } from '../run/preflight.js';
import {
  addFileOptions,
  addPluginOption,
  addSelectionOptions,
  type SelectionOptions,
} from '../command-line/options.js';
import { fitTable, formatTable, plural, shortPath } from '../display/render-text.js';
import type { Palette } from '../display/render-status.js';
import { sourceText } from './graph.js';
import { loadPlan } from './load-plan.js';

interface PlanOptions extends FileOptions, SelectionOptions {
  why?: boolean;
  json?: boolean;
}

export function createCommand(): Command {
  const command = new Command('plan')
    .description(
      'Check the inputs and show what a run would do; with --why, also the first difference of each item from its receipt',
    )
    .argument('<file>', 'pipeline file')
    .option('--why', 'list each item that would run, and why')
    .option(
      '--json',
      'print one JSON object per line: the plan, what was understood of its inputs, then each stage with its items',
    );
  return addSelectionOptions(addPluginOption(addFileOptions(command))).action(showPlan);
}

async function showPlan(file: string, options: PlanOptions): Promise<void> {
  const { plan, items, registry } = await loadPlan(file, options);
  const checked = await preflight(registry, plan, items);
  // A source that cannot be listed is part of the plan below, with its stage.
  refuseFaults(checked, (fault) => fault.listing !== true);
  const engine = new EngineContext(registry);
  try {
    const stages: StageForecast[] = [];
    if (options.json) console.log(JSON.stringify({ plan }));
    if (options.json) console.log(JSON.stringify({ inputs: statementsOf(checked) }));
    for await (const stage of forecast(engine, plan, { items, force: options.force })) {
      stages.push(stage);
      if (options.json) console.log(JSON.stringify(stage));
    }
    if (options.json) return;
    const palette = paletteFor(process.stdout);
    console.log(planText(plan, stages, options.why === true, palette, inputLines(checked, palette)));
  } finally {
    await engine.close();
  }
}

/** What was understood of the inputs. */
function inputLines(checked: Preflight, palette: Palette): string[] {
  const paint = { found: String, warning: palette.yellow, unknown: palette.dim };
  return preflightLines(checked).map(({ kind, text }) => paint[kind](text));
}

function planText(
  plan: Plan,
  forecasts: readonly StageForecast[],
  why: boolean,
  palette: Palette,
  inputs: readonly string[],
): string {
  const rows = plan.stages.map((stage, i) => stageRow(stage, forecasts[i], palette));
  const lines = fitTable(formatTable(rows), process.stdout);
  const body = lines.flatMap((line, i) => [
    line,
    ...excludedLines(forecasts[i], palette),
    ...(why || isUnlisted(forecasts[i]) ? whyLines(forecasts[i], palette) : []),
  ]);
  return [
    `${palette.bold(plan.name)}  work folder ${shortPath(plan.work)}`,
    ...body,
    ...inputs,
    summary(forecasts),
  ].join('\n');
}

function stageRow(stage: StagePlan, found: StageForecast, palette: Palette): string[] {
  const marks = {
    'up-to-date': palette.green('='),
    runs: palette.cyan('▸'),
    depends: palette.dim('?'),
    skipped: palette.dim('-'),
  };
  const steps = stage.steps.map(({ uses }) => uses).join(', ');
  return [
    ` ${marks[found.state]} ${stage.name}`,
    stateText(found),
    palette.dim(steps),
    palette.dim(sourceText(stage.source)),
  ];
}

/** Whether the stage would fail before any work; `why` says what is wrong with its source. */
function isUnlisted({ state, items }: Pick<StageForecast, 'state' | 'items'>): boolean {
  return state === 'runs' && items.length === 0;
}

function stateText({ state, why, items }: StageForecast): string {
  const running = items.filter((item) => item.state === 'runs').length;
  const idle = items.filter((item) => item.idle).length;
  const current =
    items.filter(
      ({ state, why }) => state === 'up-to-date' || (state === 'skipped' && !why?.startsWith(EXCLUDED)),
    ).length - idle;
  if (isUnlisted({ state, items })) return 'its items cannot be listed';
  if (items.length === 0) return why ?? state;
  const left = idle === 0 ? '' : `, ${idle} left out by if`;
  if (running === 0)
    return state === 'up-to-date'
      ? `${plural(current, 'item')}, unchanged${left}`
      : 'depends on earlier stages';
  const all = `${plural(running, 'item')} to do`;
  return `${current + idle === 0 ? all : `${running} of ${running + current + idle} items to do`}${left}`;
}

function whyLines({ state, why, items }: StageForecast, palette: Palette): string[] {
  if (isUnlisted({ state, items })) return [`     ${palette.yellow(why ?? 'it has not run yet')}`];
  const shown = items.filter(
    ({ state, why }) => state === 'runs' || (state === 'skipped' && !why?.startsWith(EXCLUDED)),
  );
  return formatTable(shown.map((item) => [`     ${item.key}`, item.step ?? '', reason(item, palette)]));
}

/** `2 excluded: slide_03 (out of focus), slide_07 (pen marks)` */
function excludedLines({ items }: StageForecast, palette: Palette): string[] {
  const excluded = items.flatMap(({ key, why }) =>
    why?.startsWith(EXCLUDED) ? [`${key} (${why.slice(EXCLUDED.length)})`] : [],
  );
  return excluded.length === 0 ? [] : [palette.dim(`     ${excluded.length} excluded: ${listed(excluded)}`)];
}

function reason({ state, why = '' }: ItemForecast, palette: Palette): string {
  return state === 'skipped' ? palette.dim(`skipped: ${why}`) : palette.yellow(why);
}

function summary(forecasts: readonly StageForecast[]): string {
  const items = forecasts.flatMap((stage) => stage.items);
  const running = items.filter((item) => item.state === 'runs').length;
  const current = items.filter((item) => item.state === 'up-to-date' && !item.idle).length;
  const waiting = forecasts.filter((stage) => stage.state === 'depends').length;
  if (forecasts.every((stage) => stage.state === 'up-to-date' || stage.state === 'skipped')) {
    return `nothing to do: ${current === 1 ? 'its one item is up to date' : `all ${current} items are up to date`}`;
  }
  const bad = forecasts.filter(isUnlisted).length;
  const failing = bad === 0 ? '' : `; ${plural(bad, 'stage')} would fail before any work`;
  const later =
    waiting === 0
      ? ''
      : `; ${plural(waiting, 'stage')} can only be checked after the stages they need have run`;
  return `${plural(running, 'item')} to do, ${current} unchanged${failing}${later}`;
}
