import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemInput } from '../../../../domain/engine/item/step-input.js';
import type { StagePlan } from '../../../../domain/engine/language/plan/plan.js';

const CELL: StagePlan = {
  name: 'extract-uni',
  of: 'extract',
  needs: [],
  if: undefined,
  source: { kind: 'glob', value: '*.svs', as: 'slide' },
  steps: [],
  maxParallel: 4,
  failFast: false,
  minSuccess: 1,
};

test('--force takes a cell, the stage of the file for all of its cells, and items of both', () => {
  const forced = (target: string, stage: StagePlan = CELL) => {
    const lease = { folder: '/w/.runs', id: 'lease' };
    const scope = { run: 'run', work: '/w', plan: { path: 'plan.json', digest: '' }, lease, base: '/b' };
    return itemInput({ ...scope, force: [target] }, stage, 's1', false).force;
  };
  for (const target of ['*', 'extract', 'extract-uni', 'extract@s1', 'extract-uni@s1'])
    assert.ok(forced(target), target);
  for (const target of ['extract-other', 'extract@s2', 'extract-other@s1', 'uni'])
    assert.ok(!forced(target), target);
  assert.ok(!forced('extract', { ...CELL, reuse: true }), 'a stage outside the selection');
});
