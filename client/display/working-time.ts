import type { RunStatus, StageStatus } from '../../workflows/messages.js';
import { formatDuration } from './render-text.js';

/**
 * How long a run worked, without the time in which it was paused or held, and that time if it was at least a
 * second: `2m 10s, not counting 9h 12m paused or held`.
 */
export function workingTimeText(
  { startedAt, endedAt, waitingSince, waitedMs = 0 }: RunStatus,
  now: number,
): string {
  const end = endedAt ?? now;
  const waited = waitedMs + (waitingSince === undefined ? 0 : end - waitingSince);
  const worked = formatDuration((end - startedAt - waited) / 1000);
  return waited < 1000 ? worked : `${worked}, not counting ${formatDuration(waited / 1000)} paused or held`;
}

/**
 * How long a stage took, or has been running by `now`, in seconds and without the time in which its run was
 * paused; undefined if it has not started.
 */
export function workingSeconds(
  { state, startedAt, endedAt, waitedMs = 0 }: StageStatus,
  { waitingSince }: Pick<RunStatus, 'waitingSince'>,
  now: number,
): number | undefined {
  if (startedAt === undefined || state === 'waiting' || state === 'skipped') return undefined;
  // A stage that ends in a pause worked until then.
  return ((endedAt ?? waitingSince ?? now) - startedAt - waitedMs) / 1000;
}
