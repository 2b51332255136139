import assert from 'node:assert/strict';
import { test } from 'node:test';
import { automaticNotes } from '../../../../domain/pipeline/report/data/report-notes.js';
import type { CohortFacts, FoldResult } from '../../../../domain/pipeline/report/data/report-data.js';

function fold(number: number, counts: Record<string, number>): FoldResult {
  const selection = { optimistic: false };
  const metrics = { repeat: 0, fold: number, slides: 90, protocol: 'honest', counts, selection };
  return { group: 'abmil', metrics: { ...metrics, training: {} } } as unknown as FoldResult;
}

function notesOf(...folds: FoldResult[]): string[] {
  return automaticNotes({
    evaluations: folds,
    folds,
    heatmaps: [],
    left: [],
    warnings: [],
    cohort: { patients: null } as CohortFacts,
  });
}

test('folds without slides of a class are named, with what is left out of the means', () => {
  const whole = { low: 30, middle: 30, high: 30 };
  assert.deepEqual(notesOf(fold(0, whole), fold(1, whole)), []);
  const [note, ...others] = notesOf(fold(0, whole), fold(1, { ...whole, middle: 0 }));
  assert.deepEqual(others, []);
  assert.match(
    note,
    /no slides of a class: middle in fold 1 of repeat 0\. .*undefined there.*means over the other classes/,
  );
});
