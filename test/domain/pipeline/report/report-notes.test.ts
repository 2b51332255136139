import assert from 'node:assert/strict';
import { test } from 'node:test';
import { automaticNotes } from '../../../../domain/pipeline/report/report-notes.js';
import type { FoldResult } from '../../../../domain/pipeline/report/report-data.js';

function fold(number: number, counts: Record<string, number>): FoldResult {
  const selection = { optimistic: false };
  const metrics = { repeat: 0, fold: number, slides: 90, protocol: 'honest', counts, selection };
  return { group: 'abmil', metrics } as unknown as FoldResult;
}

test('folds without slides of a class are named, with what is left out of the means', () => {
  const whole = { low: 30, middle: 30, high: 30 };
  assert.deepEqual(automaticNotes([fold(0, whole), fold(1, whole)], [], []), []);
  const [note, ...others] = automaticNotes([fold(0, whole), fold(1, { ...whole, middle: 0 })], [], []);
  assert.deepEqual(others, []);
  assert.match(
    note,
    /no slides of a class: middle in fold 1 of repeat 0\. .*undefined and left out of the means/,
  );
});
