import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endItem,
  estimateWork,
  expectItem,
  startItem,
  stopItem,
  type Workload,
} from '../../../../domain/engine/item/workload.js';

/** A matrix of two models by ten folds, of which no cell has started. */
function trainings(): { workload: Workload; cells: { model: string; fold: number }[] } {
  const workload: Workload = {};
  const cells = ['abmil', 'transmil'].flatMap((model) =>
    Array.from({ length: 10 }, (_, fold) => ({ model, fold })),
  );
  for (const cell of cells) expectItem(workload, cell);
  return { workload, cells };
}

test('the work left is estimated per model, whatever their folds', () => {
  const { workload, cells } = trainings();
  assert.equal(estimateWork(workload, 20), undefined);
  for (const cell of cells.slice(0, 10)) endItem(workload, cell, 2);
  // Nothing is known about the second model yet: it counts like the first.
  assert.deepEqual(estimateWork(workload, 10), { done: 20, left: 20, running: 0 });
  endItem(workload, cells[10], 60);
  startItem(workload, cells[11]);
  assert.deepEqual(estimateWork(workload, 9), { done: 80, left: 540, running: 60 });
  stopItem(workload, cells[11]);
  endItem(workload, cells[11], 'failed');
  assert.deepEqual(estimateWork(workload, 8), { done: 140, left: 480, running: 0 });
});

test('items whose results are up to date took no time, and unlisted ones count as the average', () => {
  const { workload, cells } = trainings();
  endItem(workload, cells[0]);
  endItem(workload, cells[1], 4);
  endItem(workload, cells[10], 20);
  const known = 8 * 4 + 9 * 20;
  assert.deepEqual(estimateWork(workload, 17), { done: 24, left: known, running: 0 });
  assert.deepEqual(estimateWork(workload, 20), { done: 24, left: known + 3 * 12, running: 0 });
});

test('a workload stays small for any number of kinds', () => {
  const workload: Workload = {};
  for (let slide = 0; slide < 1000; slide++) expectItem(workload, { path: `slide ${slide}.svs` });
  assert.ok(Object.keys(workload).length <= 65);
  endItem(workload, { path: 'slide 0.svs' }, 3);
  assert.deepEqual(estimateWork(workload, 999), { done: 3, left: 2997, running: 0 });
});
