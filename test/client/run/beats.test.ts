import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BeatMemory, type Pending } from '../../../client/run/beats.js';

const seconds = (value: number) => ({ seconds: value, nanos: 0 }) as unknown as Pending['lastHeartbeatTime'];

/** A running activity as the server describes it; it keeps the last heartbeat of an earlier attempt. */
function pending(lastHeartbeat: number, lastStarted: number): Pending {
  return {
    activityId: '1',
    lastHeartbeatTime: seconds(lastHeartbeat),
    lastStartedTime: seconds(lastStarted),
    activityOptions: { heartbeatTimeout: seconds(20) },
  };
}

test('a worker that has just taken over from a lost one does not count as lost', () => {
  const beats = new BeatMemory();
  assert.equal(beats.silenceOf('run', pending(1000, 990), 1_000_000), undefined);
  assert.ok(beats.silenceOf('run', pending(1000, 990), 1_019_000), 'the first worker is silent');
  assert.equal(beats.silenceOf('run', pending(1000, 1020), 1_020_500), undefined, 'the second has started');
});
