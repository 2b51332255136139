import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabeledBag } from '../../../../domain/mil/labels/labeled-bags.js';
import { stratifiedScheme } from '../../../../domain/mil/split/split-schemes.js';
import { RandomStream } from '../../../../domain/random.js';

/** 4 to 17 patients with 1 to 5 slides each; a patient may have slides of several classes. */
function randomCohort(random: RandomStream): { bags: LabeledBag[]; classes: string[] } {
  const classes = ['c0', 'c1', 'c2', 'c3'].slice(0, 2 + random.below(3));
  const bags = Array.from({ length: 4 + random.below(14) }, (_, patient) => {
    const main = random.below(classes.length);
    return Array.from({ length: 1 + random.below(5) }, (_, slide): LabeledBag => {
      const label = random.below(3) === 0 ? random.below(classes.length) : main;
      const name = `p${String(patient).padStart(2, '0')}`;
      return { key: `${name}-${slide}`, row: 0, label, ...(random.below(9) > 0 && { group: name }) };
    });
  }).flat();
  return { bags, classes };
}

/** Names of the patients, or of ungrouped slides, that have slides of a class. */
function holders(bags: readonly LabeledBag[], keys: readonly string[], label: number): Set<string> {
  const own = bags.filter((bag) => bag.label === label && keys.includes(bag.key));
  return new Set(own.map(({ key, group }) => group ?? key));
}

test('random tiny cohorts: a class of two patients outside the test set stays in the training set', () => {
  const random = new RandomStream(7, 'test', 'tiny-cohorts');
  const seen = { folds: 0, withClass: 0, validated: 0 };
  for (let cohort = 0; cohort < 3000; cohort++) {
    const { bags, classes } = randomCohort(random);
    const options = {
      folds: 2 + random.below(3),
      seed: cohort,
      valRatio: [0.1, 0.2, 0.34, 0.5, 0.9][cohort % 5],
    };
    const patients = classes.map((_, k) => holders(bags, bags.map(({ key }) => key), k).size); // prettier-ignore
    if (Math.min(...patients) < options.folds) continue;
    for (const { fold, train, val, test } of stratifiedScheme(
      bags,
      { endpoint: 'classification', classes },
      options,
    )) {
      const place = JSON.stringify({ cohort, fold, ...options });
      assert.deepEqual([...train, ...val, ...test].sort(), bags.map(({ key }) => key).sort(), place);
      seen.folds++;
      for (const k of classes.keys()) {
        const rest = holders(bags, [...train, ...val], k).size;
        if (rest < 2) continue;
        seen.withClass++;
        assert.ok(
          holders(bags, train, k).size > 0,
          `${place}: class ${k} of ${rest} patients is not trained`,
        );
        if (holders(bags, val, k).size > 0) seen.validated++;
      }
    }
  }
  assert.ok(seen.folds > 1000, JSON.stringify(seen));
  assert.ok(
    seen.validated > 0.9 * seen.withClass,
    `validation sets have their classes: ${JSON.stringify(seen)}`,
  );
});
