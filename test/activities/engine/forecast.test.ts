import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { forecast, type ForecastOptions } from '../../../activities/engine/forecast.js';
import type { Plan } from '../../../domain/engine/language/plan/plan.js';
import { receiptPath } from '../../../domain/engine/store/paths.js';
import { selectStages } from '../../../domain/engine/language/select-stages.js';
import { planOf } from '../../support/engine.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a forecast with everything forced does not force a stage that the selection reuses', async (context) => {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  const text = { text: 'one' };
  const plan = planOf(work, [
    { name: 'first', steps: [{ uses: 'stub.light', with: text }] },
    { name: 'second', needs: ['first'], steps: [{ uses: 'stub.light', with: text }] },
  ]);
  for (const stage of ['first', 'second']) {
    const place = { stage, item: stage, step: 'light', folder: stage };
    await steps.run('stub.light', { ...place, single: true, with: text });
  }
  const states = async (part: Plan, options: ForecastOptions) => {
    const found: string[] = [];
    for await (const { state } of forecast(steps.engine, part, options)) found.push(state);
    return found;
  };
  const { plan: second } = selectStages(plan, { only: ['second'] });
  assert.deepEqual(await states(plan, {}), ['up-to-date', 'up-to-date']);
  assert.deepEqual(await states(second, { force: ['*'] }), ['up-to-date', 'runs']);
});

test('a damaged receipt is a reason to run', async (context) => {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  const place = { stage: 'make', item: 'make', step: 'light', folder: 'make' };
  await steps.run('stub.light', { ...place, single: true });
  writeFileSync(receiptPath(work, place), '{"receipt": 1}');
  for await (const { items } of forecast(
    steps.engine,
    planOf(work, [{ name: 'make', steps: [{ uses: 'stub.light' }] }]),
  )) {
    assert.deepEqual(items, [{ key: 'make', state: 'runs', step: 'light', why: 'its receipt is damaged' }]);
  }
});
