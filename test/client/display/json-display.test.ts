import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonDisplay } from '../../../client/display/json-display.js';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import type { RunView } from '../../../client/run/events.js';

test('--json prints each retry of a step once, with its cause', (context) => {
  const log = context.mock.method(console, 'log', () => undefined);
  const display = new JsonDisplay();
  const lastFailure = { code: 'Stalled', what: 'no progress for 5 min', facts: {} };
  const train = { stage: 'train', key: 'abmil-0', step: 'train', attempt: 1 };
  const stage = { name: 'train', needs: [], state: 'running' as const, failures: [], ...zeroCounts(2) };
  const status = {
    run: 'r',
    pipeline: 'p',
    work: '/w',
    state: 'running' as const,
    startedAt: 0,
    message: '',
  };
  const see = (...activities: RunView['activities']) =>
    display.status({ status: { ...status, stages: [stage] }, activities, now: 0 });
  see(train);
  see({ ...train, attempt: 2, lastFailure });
  see({ ...train, attempt: 2, lastFailure });
  see({ ...train, attempt: 3, lastFailure }, { ...train, key: 'abmil-1', attempt: 2, lastFailure });
  const printed = log.mock.calls.map(
    ({ arguments: [text] }) => JSON.parse(String(text)) as { event: string },
  );
  const retry = { event: 'retry', stage: 'train', key: 'abmil-0', step: 'train', error: lastFailure };
  assert.deepEqual(
    printed.filter(({ event }) => event === 'retry'),
    [
      { ...retry, attempt: 2 },
      { ...retry, attempt: 3 },
      { ...retry, attempt: 2, key: 'abmil-1' },
    ],
  );
  assert.equal(printed.filter(({ event }) => event === 'stage').length, 1);
});
