import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemInput, type StepInput } from '../../../../domain/engine/item/step-input.js';
import { walkSteps, type ItemWalk, type StepVisitor } from '../../../../domain/engine/item/walk-steps.js';
import type { StagePlan, StepPlan } from '../../../../domain/engine/language/plan/plan.js';
import { planOf } from '../../../support/engine.js';

const plan = { path: '/work/.runs/run/plan.json', digest: 'sha256:0' };
const lease = { folder: 'folder', id: 'lease' };
const scope = { run: 'run', work: '/work', base: '/base', plan, lease, force: [] };

function stagePlan(steps: Partial<StepPlan>[], parts: Partial<StagePlan> = {}): StagePlan {
  const sketches = steps.map((step) => ({ uses: 'stub.light', ...step }));
  return planOf('/work', [{ ...parts, name: 'stage', steps: sketches }]).stages[0];
}

function walkOf(steps: Partial<StepPlan>[], parts: Partial<StagePlan> = {}): ItemWalk {
  const stage = stagePlan(steps, parts);
  const item = { key: 'a', fields: {}, steps: {} };
  return { stage, needs: {}, item, input: itemInput(scope, stage, 'a', false) };
}

/** Visits every step, and ends each with its id as output. */
function visitor(seen: StepInput[] = []): StepVisitor {
  return async ({ id }, input) => {
    seen.push(input());
    return { outputs: { id } };
  };
}

test('steps are visited in order, and each `with` can read the outputs of earlier steps', async () => {
  const seen: StepInput[] = [];
  const walk = walkOf([{ id: 'one' }, { id: 'two', with: { text: '${{ steps.one.outputs.id }}' } }]);
  assert.deepEqual(await walkSteps(walk, visitor(seen)), {
    state: 'ended',
    outputs: { id: 'two' },
    steps: ['one', 'two'],
  });
  assert.deepEqual(
    seen.map(({ step, with: given }) => [step, given]),
    [
      ['one', {}],
      ['two', { text: 'one' }],
    ],
  );
});

test('steps with known outputs and steps whose `if` is false are not visited', async () => {
  const seen: StepInput[] = [];
  const walk = walkOf([{ id: 'one' }, { id: 'two', if: 'false' }, { id: 'three' }]);
  walk.item.steps.one = { id: 'kept' };
  assert.deepEqual(await walkSteps(walk, visitor(seen)), {
    state: 'ended',
    outputs: { id: 'three' },
    steps: ['one', 'three'],
  });
  assert.deepEqual(
    seen.map(({ step }) => step),
    ['three'],
  );
  assert.deepEqual(walk.item.steps, { one: { id: 'kept' } });
});

test('an item for which every `if` is false ends idle', async () => {
  const end = await walkSteps(walkOf([{ id: 'one', if: 'false' }]), visitor());
  assert.deepEqual(end, { state: 'ended', outputs: {}, steps: [], idle: true });
});

test('no step runs after one that ends the item on purpose', async () => {
  const walk = walkOf([{ id: 'one' }, { id: 'two' }]);
  const end = await walkSteps(walk, async ({ id }) => ({ outputs: { id }, skip: 'no_tissue' }));
  assert.deepEqual(end, { state: 'ended', outputs: { id: 'one' }, steps: ['one'], skip: 'no_tissue' });
});

test('the walk stops when the visitor returns a reason or throws, with the outputs so far', async () => {
  const walk = walkOf([{ id: 'one' }, { id: 'two' }]);
  const error = new Error('the disk is full');
  for (const why of ['it has not run yet', error]) {
    const end = await walkSteps(walk, async ({ id }) => {
      if (id === 'one') return { outputs: { id } };
      if (typeof why === 'string') return why;
      throw why;
    });
    assert.deepEqual(end, { state: 'stopped', step: 'two', why, steps: { one: { id: 'one' } } });
  }
});

test("an expression error stops the walk at its step, one in the stage's outputs at no step", async () => {
  const bad = '${{ steps.missing.outputs.x }}';
  const inWith = await walkSteps(walkOf([{ id: 'one', with: { text: bad } }]), visitor());
  assert.ok(inWith.state === 'stopped' && inWith.step === 'one' && inWith.why instanceof Error);
  const inIf = await walkSteps(walkOf([{ id: 'one', if: 'steps.missing.outputs.x' }]), visitor());
  assert.ok(inIf.state === 'stopped' && inIf.step === 'one' && inIf.why instanceof Error);
  const inOutputs = await walkSteps(walkOf([{ id: 'one' }], { outputs: { text: bad } }), visitor());
  assert.ok(inOutputs.state === 'stopped' && inOutputs.step === undefined && inOutputs.why instanceof Error);
});

test('force accepts `*`, a stage or one of its items, and never applies to a reused stage', () => {
  const forced = (force: string[], parts: Partial<StagePlan> = {}) => {
    return itemInput({ ...scope, force }, stagePlan([{}], parts), 'a', false).force;
  };
  for (const target of ['*', 'stage', 'stage@a']) {
    assert.ok(forced([target]), target);
    assert.ok(!forced([target], { reuse: true }), target);
  }
  assert.ok(!forced(['other', 'stage@b', 'other@a']));
});
