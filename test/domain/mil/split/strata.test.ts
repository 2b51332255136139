import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unitOf, type LabeledBag } from '../../../../domain/mil/labels/labeled-bags.js';
import type { LabelTable } from '../../../../domain/mil/labels/label-table.js';
import { stratifiedScheme } from '../../../../domain/mil/split/split-schemes.js';
import { stratify } from '../../../../domain/mil/split/strata.js';
import { RandomStream } from '../../../../domain/random.js';

/** 4 to 40 patients with 1 to 4 slides each and rounded times, so that many are equal. */
function randomCohort(random: RandomStream): { bags: LabeledBag[]; table: LabelTable } {
  const share = 2 + random.below(5);
  const patients = Array.from({ length: 4 + random.below(37) }, (_, p) => ({
    group: `p${String(p).padStart(2, '0')}`,
    followUp: { time: random.below(15), event: random.below(share) === 0 ? (1 as const) : (0 as const) },
  }));
  const rows = patients.flatMap(({ group, followUp }) =>
    Array.from({ length: 1 + random.below(4) }, (_, s) => ({
      line: 0,
      name: `${group}-${s}`,
      label: 0,
      group,
      followUp,
    })),
  );
  const table = {
    file: '',
    endpoint: 'survival' as const,
    classes: [],
    quantity: 'months',
    rows,
    unlabeled: [],
    warnings: [],
  };
  return { table, bags: rows.map(({ name, group }, row) => ({ key: name, row, label: 0, group })) };
}

test('random cohorts: strata differ by at most one patient between folds, and every training set has an event', () => {
  const random = new RandomStream(11, 'test', 'strata');
  const seen = { cohorts: 0, quantiles: 0 };
  for (let cohort = 0; cohort < 1000; cohort++) {
    const { bags, table } = randomCohort(random);
    const options = { folds: 2 + random.below(4), seed: cohort, valRatio: [0, 0.2, 0.5, 0.9][cohort % 4] };
    const eventOf = new Map(bags.map(({ key, row }) => [key, table.rows[row].followUp?.event]));
    const patients = new Set(bags.map(unitOf)).size;
    const events = new Set(bags.filter(({ key }) => eventOf.get(key) === 1).map(unitOf)).size;
    if (patients < options.folds || events < 2) continue;
    seen.cohorts++;
    const made = stratify(bags, table, options.folds);
    if (made.classes.length > 2) seen.quantiles++;
    const counts = made.classes.map(
      (_, k) => new Set(made.bags.filter(({ label }) => label === k).map(unitOf)).size,
    );
    const [whole] = made.classes.filter((name) => name.startsWith('event'));
    const place = JSON.stringify({ cohort, ...options, counts });
    if (!whole.endsWith('of 1)')) assert.ok(Math.min(...counts.slice(0, 2)) >= options.folds, place);
    const folds = stratifiedScheme(made.bags, { endpoint: 'survival', classes: made.classes }, options);
    const held = folds.map(({ test }) => {
      const own = made.bags.filter(({ key }) => test.includes(key));
      return made.classes.map((_, k) => new Set(own.filter(({ label }) => label === k).map(unitOf)).size);
    });
    for (const k of made.classes.keys()) {
      const numbers = held.map((fold) => fold[k]);
      assert.ok(Math.max(...numbers) - Math.min(...numbers) <= 1, place);
    }
    for (const { train } of folds) assert.ok(train.some((key) => eventOf.get(key) === 1), place); // prettier-ignore
  }
  assert.ok(seen.cohorts > 600 && seen.quantiles > 300, JSON.stringify(seen));
});
