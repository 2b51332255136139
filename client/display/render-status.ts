import type pc from 'picocolors';
import type { ErrorRecord } from '../../domain/errors.js';
import {
  countEnded,
  countMade,
  showCounts,
  showEnded,
  type Counter,
} from '../../domain/engine/item/counts.js';
import type { Progress } from '../../domain/job.js';
import type { RunStatus, StageStatus } from '../../workflows/messages.js';
import { workName, type Activity, type RunView } from '../run/events.js';
import { renderError, renderHeadline } from './render-error.js';
import { formatDuration, formatTable, oneLine, plural } from './render-text.js';
import { workingSeconds, workingTimeText } from './working-time.js';

export type Palette = ReturnType<typeof pc.createColors>;

const MARKS: Record<StageStatus['state'], [string, (palette: Palette) => (text: string) => string]> = {
  waiting: ['·', (palette) => palette.dim],
  running: ['▸', (palette) => palette.cyan],
  held: ['!', (palette) => palette.yellow],
  done: ['✔', (palette) => palette.green],
  failed: ['✘', (palette) => palette.red],
  skipped: ['-', (palette) => palette.dim],
  cancelled: ['-', (palette) => palette.yellow],
};

const ACTIVITIES_SHOWN = 4;

/** Renders a run: one line per stage and, below a running stage, what its activities are doing. */
export function renderRun(view: RunView, palette: Palette): string[] {
  const { status, now } = view;
  const worked = palette.dim(workingTimeText(status, now));
  const head = `${palette.bold(status.run)}  ${stateText(status.state, palette)}  ${worked}`;
  const rows = status.stages.map((stage) => stageRow(stage, view, palette));
  const lines = formatTable(rows);
  const body = status.stages.flatMap((stage, i) => [lines[i], ...activityLines(stage, view, palette)]);
  return [
    head,
    ...(view.trouble === undefined ? [] : [palette.yellow(`  ${oneLine(view.trouble)}`)]),
    ...body,
  ];
}

function stageRow(stage: StageStatus, view: RunView, palette: Palette): string[] {
  const [mark, color] = MARKS[stage.state];
  const pace = paceText(stage, view);
  const row = [
    ` ${color(palette)(mark)} ${stage.name}`,
    countsText(stage, palette, view.waiting?.[stage.name]),
  ];
  return pace === '' ? row : [...row, palette.dim(pace)];
}

const COUNTER_COLORS: Partial<Record<Counter, (palette: Palette) => (text: string) => string>> = {
  cached: (palette) => palette.dim,
  idle: (palette) => palette.dim,
  skipped: (palette) => palette.yellow,
  failed: (palette) => palette.red,
};

/** `14/24  3 unchanged  1 failed  2 running`, or why a stage has no counts. */
export function countsText(stage: StageStatus, palette: Palette, waiting = 0): string {
  if (stage.state === 'waiting') return palette.dim(`waiting for ${stage.needs.join(', ') || 'a worker'}`);
  if (stage.state === 'skipped')
    return palette.dim(`skipped${stage.reason ? `: ${oneLine(stage.reason)}` : ''}`);
  if (stage.total === 0)
    return stage.error
      ? palette.red('did not run')
      : palette.dim(stage.state === 'running' ? 'listing items' : 'no items');
  const parts = showCounts(stage).map(([counter, text]) => COUNTER_COLORS[counter]?.(palette)(text) ?? text);
  if (waiting > 0) parts.push(palette.dim(`${waiting} waiting for a slot`));
  return [showEnded(stage), ...parts].join('  ');
}

/** Returns the duration of an ended stage, or the rate and time left of a running one. */
function paceText(stage: StageStatus, view: RunView): string {
  const elapsed = workingSeconds(stage, view.status, view.now);
  if (elapsed === undefined) return '';
  if (stage.endedAt !== undefined || stage.state !== 'running') return formatDuration(elapsed);
  const { perMinute, secondsLeft } = estimatePace(stage, view, elapsed);
  const parts = [formatDuration(elapsed)];
  if (perMinute !== undefined && stage.total > 1) parts.push(`${perMinute.toPrecision(2)}/min`);
  if (secondsLeft !== undefined) parts.push(`about ${formatDuration(secondsLeft)} left`);
  return parts.join('  ');
}

/**
 * Estimates the pace from the items that needed work; up-to-date items took no time. Running items count by
 * the share that their heartbeats report, so that a stage with one long item has an estimate too. The time
 * left weighs items by their kind, because trainings of one stage may differ much in length.
 */
function estimatePace(
  stage: StageStatus,
  view: RunView,
  elapsed: number,
): { perMinute?: number; secondsLeft?: number } {
  const shares = view.activities
    .filter((activity) => activity.stage === stage.name && activity.progress !== undefined)
    .map(({ progress }) => (progress!.total > 0 ? Math.min(1, progress!.done / progress!.total) : 0));
  const begun = shares.reduce((sum, share) => sum + share, 0);
  const worked = countMade(stage) + stage.failed + begun;
  if (elapsed < 3 || worked <= 0 || stage.total === 0) return {};
  const perSecond = worked / elapsed;
  if (stage.work !== undefined) {
    const { done, left, running } = stage.work;
    const started = Math.max(1, shares.length, stage.running + (view.waiting?.[stage.name] ?? 0));
    const part = (running * begun) / started;
    if (done + part > 0)
      return { perMinute: perSecond * 60, secondsLeft: ((left - part) * elapsed) / (done + part) };
  }
  const left = stage.total - countEnded(stage) - begun;
  return { perMinute: perSecond * 60, secondsLeft: left / perSecond };
}

function activityLines(stage: StageStatus, view: RunView, palette: Palette): string[] {
  const mine = view.activities.filter((activity) => activity.stage === stage.name);
  const lines = mine.slice(0, ACTIVITIES_SHOWN).map((activity) => `     ${activityText(activity, palette)}`);
  if (mine.length > ACTIVITIES_SHOWN)
    lines.push(palette.dim(`     and ${mine.length - ACTIVITIES_SHOWN} more`));
  return lines;
}

function activityText(activity: Activity, palette: Palette): string {
  const { progress, attempt, lastFailure, device } = activity;
  const parts = [oneLine(workName(activity))];
  if (device !== undefined) parts.push(oneLine(device));
  if (progress !== undefined) parts.push(progressText(progress));
  if (progress?.note !== undefined && progress.note !== '') parts.push(oneLine(progress.note));
  if (attempt > 1)
    parts.push(
      palette.yellow(`attempt ${attempt}${lastFailure ? `, after ${renderHeadline(lastFailure)}` : ''}`),
    );
  return parts.join(palette.dim('  '));
}

/** Some work has no total, such as the output of a program. */
function progressText({ done, total, unit }: Progress): string {
  return total > 0 || unit === '' ? `${done}/${total} ${unit}` : `${done} ${unit}`;
}

export function stateText(state: RunStatus['state'], palette: Palette): string {
  const colors: Record<RunStatus['state'], (text: string) => string> = {
    running: palette.cyan,
    paused: palette.yellow,
    held: palette.yellow,
    done: palette.green,
    failed: palette.red,
    cancelled: palette.yellow,
    replaced: palette.yellow,
  };
  return colors[state](state);
}

/** Renders failed items and stages with their errors, for the end of a run and for `status`. */
export function renderFailures(status: RunStatus, palette: Palette): string[] {
  return status.stages.flatMap((stage) => {
    const lines = stage.failures.flatMap(({ key, step, error }) => {
      const where = key === stage.name ? stage.name : `${stage.name}@${key}`;
      const at = step === undefined || step === stage.name ? where : `${where} ${step}`;
      return failureLines(at, withNext(error, `see \`npx sam-mil logs ${status.run} ${where}\``), palette);
    });
    if (stage.error !== undefined) lines.push(...failureLines(stage.name, stage.error, palette));
    const more = stage.failed - stage.failures.length;
    if (more > 0) lines.push(palette.dim(`   and ${plural(more, 'more failed item')} in ${stage.name}`));
    return lines;
  });
}

/** Adds a default `next`: for an unexpected error, the log has the stack trace. */
function withNext(error: ErrorRecord, next: string): ErrorRecord {
  return { ...error, facts: { next, ...error.facts } };
}

function failureLines(where: string, error: ErrorRecord, palette: Palette): string[] {
  const [first, ...facts] = renderError(error, palette.dim);
  const head = ` ${palette.red('✘')} ${where}  ${palette.bold(error.code)}: ${first}`;
  return [head, ...facts.map((line) => `   ${line}`)];
}
