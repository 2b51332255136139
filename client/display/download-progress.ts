import type { WriteStream } from 'node:tty';
import { formatBytes, formatDuration } from './render-text.js';

/**
 * Shows the progress of a download (amount, rate, time left): one line redrawn in place on a terminal,
 * otherwise a line per 10 %. Returns a function to call with the bytes so far; `undefined` ends the line.
 */
export function downloadProgress(
  name: string,
  stream: WriteStream,
  now: () => number = () => performance.now(),
): (done: number | undefined, total?: number) => void {
  const live = stream.isTTY && process.env.TERM !== 'dumb';
  const startedAt = now();
  let first: number | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  let step = 0;
  return (done, total) => {
    if (done === undefined) return void (live && drawn > 0 && stream.write('\n'));
    first ??= done;
    const seconds = (now() - startedAt) / 1000;
    const text = `  ${name}  ${progressText(done, total, (done - first) / Math.max(seconds, 1e-3))}`;
    if (live && (now() - drawn > 200 || done === total)) {
      stream.write(`\r\u001b[K${text}`);
      drawn = now();
    }
    const tenth = Math.floor((10 * done) / (total ?? 1e9));
    if (!live && tenth > step) stream.write(`${text}\n`);
    step = Math.max(step, tenth);
  };
}

/** @param rate bytes per second */
export function progressText(done: number, total: number | undefined, rate: number): string {
  const speed = `${formatBytes(rate)}/s`;
  if (total === undefined) return `${formatBytes(done)}  ${speed}`;
  const percent = Math.floor((100 * done) / Math.max(total, 1));
  const left = rate > 0 && done < total ? `  ${formatDuration((total - done) / rate)} left` : '';
  return `${formatBytes(done)} of ${formatBytes(total)}  ${percent} %  ${speed}${left}`;
}
