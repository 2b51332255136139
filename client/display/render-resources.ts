import type { StepResources } from '../../domain/engine/store/step-resources.js';
import type { Palette } from './render-status.js';
import { fitTable, formatBytes, formatDuration, formatTable } from './render-text.js';

const COLUMNS: readonly [title: string, text: (row: StepResources) => string | undefined][] = [
  ['time', ({ total }) => formatDuration(total)],
  ['waited', ({ waited }) => show(waited, formatDuration)],
  ['CPU', ({ cpu }) => show(cpu, formatDuration)],
  ['memory', ({ memory }) => show(memory, formatBytes)],
  ['patches/s', ({ patchesPerSecond }) => show(patchesPerSecond, (rate) => rate.toFixed(1))],
  ['GPU memory', ({ gpuMemory }) => show(gpuMemory, formatBytes)],
  ['use', ({ gpuUtilization }) => show(gpuUtilization, (percent) => `${Math.round(percent)} %`)],
];

/**
 * Renders what the steps of a run used, one line per step: the sum of their time and CPU time, the mean time
 * that they waited for a slot, the largest memory. Columns without any value are left out.
 */
export function renderResources(
  rows: readonly StepResources[],
  palette: Palette,
  stream: { isTTY?: boolean; columns?: number },
): string[] {
  if (rows.length === 0) return [];
  const columns = COLUMNS.filter(([, text]) => rows.some((row) => text(row) !== undefined));
  const table = formatTable(
    [
      ['step', ...columns.map(([title]) => title), 'device'],
      ...rows.map((row) => [
        row.stage === row.step ? row.stage : `${row.stage} ${row.step}`,
        ...columns.map(([, text]) => text(row) ?? '-'),
        deviceText(row),
      ]),
    ],
    columns.map((_, index) => index + 1),
  );
  const [head, ...lines] = fitTable(
    table.map((line) => ` ${line}`),
    stream,
  );
  return ['', palette.dim(head), ...lines, ''];
}

function deviceText({ devices, gpus }: StepResources): string {
  return [...devices, ...gpus].join(', ') || '-';
}

function show(value: number | undefined, format: (value: number) => string): string | undefined {
  return value === undefined ? undefined : format(value);
}
