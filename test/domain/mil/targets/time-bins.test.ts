import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binOf, countBins, fitTimeBins } from '../../../../domain/mil/targets/time-bins.js';
import { endpointOracle, nearAll } from '../../../support/endpoints.js';
import { hasCode } from '../support.js';

interface Case {
  name: string;
  times: number[];
  events: number[];
  bins: number;
  interior_edges: number[] | null;
  labels: number[];
  counts: number[][];
  other_times?: number[];
  other_labels?: number[];
}

const { cases } = endpointOracle('survival-bins') as { cases: Case[] };

for (const expected of cases) {
  test(`time bins follow the events of the training patients: ${expected.name}`, () => {
    const { interior_edges } = expected;
    if (interior_edges === null) {
      assert.throws(() => fitTimeBins(expected, expected.bins), hasCode('InvalidInput', /all censored/));
      return;
    }
    const { edges, tied } = fitTimeBins(expected, expected.bins);
    nearAll(edges, interior_edges, 'edges', { absolute: 0, relative: 1e-9 });
    assert.equal(tied, new Set(interior_edges).size < interior_edges.length);
    const binsOf = (times: number[]) => times.map((time) => binOf(time, edges));
    assert.deepEqual(binsOf(expected.times), expected.labels);
    assert.deepEqual(
      countBins(expected, edges).map(({ events, censored }) => [events, censored]),
      expected.counts,
    );
    assert.deepEqual(binsOf(expected.other_times ?? []), expected.other_labels ?? []);
  });
}

test('one bin has no edges and takes every time', () => {
  const { edges, tied } = fitTimeBins({ times: [0, 5], events: [1, 0] }, 1);
  assert.deepEqual({ edges, tied }, { edges: [], tied: false });
  assert.equal(binOf(1e9, edges), 0);
});

test('invalid follow-up is refused with its row', () => {
  const refused = (times: number[], events: number[], message: RegExp) =>
    assert.throws(() => fitTimeBins({ times, events }, 4), hasCode('InvalidInput', message));
  refused([1, -2], [1, 1], /row 1 .*expected a time of at least 0; found -2/);
  refused([NaN, 2], [1, 1], /row 0 .*found NaN/);
  refused([Infinity, 2], [1, 1], /row 0 .*found Infinity/);
  refused([1, 2], [1, 2], /row 1 .*found 2/);
  refused([], [], /found 0 training patients/);
  assert.throws(() => fitTimeBins({ times: [1, 2], events: [1] }, 4), hasCode('CountMismatch', /event/));
  assert.throws(() => fitTimeBins({ times: [1], events: [1] }, 0), hasCode('InvalidInput', /time bin/));
});
