import assert from 'node:assert/strict';
import { test } from 'node:test';
import pc from 'picocolors';
import { renderRun } from '../../../client/display/render-status.js';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import type { RunStatus, StageStatus } from '../../../workflows/messages.js';

const plain = pc.createColors(false);
const SECOND = 1000;
const HOUR = 3600 * SECOND;

function stage(name: string, facts: Partial<StageStatus>): StageStatus {
  return { ...{ name, needs: [], state: 'running', failures: [] }, ...zeroCounts(4), ...facts };
}

function lines(stages: StageStatus[], now: number, facts: Partial<RunStatus> = {}): string[] {
  const common = { run: 'study-1', pipeline: 'study', work: '/w', message: '', startedAt: 0 };
  const status: RunStatus = { ...common, state: 'running', stages, ...facts };
  return renderRun({ status, activities: [], now }, plain);
}

test('a night in which the run was paused counts as work neither of the run nor of a stage', () => {
  const patch = stage('patch', { state: 'done', startedAt: 0, endedAt: 30 * SECOND });
  const counts = { done: 2, running: 1, startedAt: 30 * SECOND };
  const paused = lines([patch, stage('train', counts)], 10 * HOUR, {
    state: 'paused',
    waitingSince: 90 * SECOND,
  });
  assert.equal(paused[0], 'study-1  paused  1m 30s, not counting 9h 58m paused or held');
  assert.match(paused[1], /patch {2}0\/4 +30s$/);
  assert.match(paused[2], /1m 00s {2}2\.0\/min {2}about 1m 00s left$/);
  const resumed = lines(
    [patch, stage('train', { ...counts, waitedMs: 10 * HOUR })],
    10 * HOUR + 150 * SECOND,
    {
      waitedMs: 10 * HOUR,
    },
  );
  assert.equal(resumed[0], 'study-1  running  2m 30s, not counting 10h 00m paused or held');
  assert.match(resumed[2], /2m 00s {2}1\.0\/min {2}about 2m 00s left$/);
});

test('a stage that ended in a pause worked until then, and a run without one has no remark', () => {
  const train = stage('train', { state: 'done', startedAt: 0, endedAt: 80 * SECOND });
  assert.match(lines([train], HOUR, { state: 'paused', waitingSince: 20 * SECOND })[1], /1m 20s$/);
  assert.equal(lines([train], 90 * SECOND)[0], 'study-1  running  1m 30s');
});
