import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  combineProbabilities,
  combineScores,
  type Combination,
} from '../../../../domain/mil/combine/patient-scores.js';
import { agreedValues, anyPositive, groupByPatient } from '../../../../domain/mil/combine/patients.js';
import { harrellConcordance } from '../../../../domain/statistics/survival/concordance.js';
import { binaryMetricsMatch, type BinaryMetrics } from '../../../support/binary-metrics.js';
import { classMetricsMatch, type ClassMetrics } from '../../../support/class-metrics.js';
import { endpointOracle, near, nearAll } from '../../../support/endpoints.js';
import { hasCode } from '../support.js';

interface BinaryWay {
  score: number[];
  metrics?: BinaryMetrics;
  metrics_at_half?: BinaryMetrics;
  metrics_if_any_positive_slide_makes_the_patient_positive?: BinaryMetrics;
}

interface ClassWay {
  probabilities: number[][];
  metrics: ClassMetrics;
}

interface Case {
  name: string;
  slide_patient: string[];
  slide_label: number[];
  slide_score: number[] | number[][];
  patients: string[];
  slides_of_patient: number[];
  conflicting_patients: string[];
  refuse: boolean;
  patient_label: number[] | null;
  slide_level: BinaryMetrics | null;
  by: Record<string, BinaryWay | ClassWay>;
}

interface Oracle {
  cases: Case[];
  survival: {
    slide_patient: string[];
    slide_risk: number[];
    patients: string[];
    times: number[];
    events: number[];
    by: Record<
      'mean' | 'max',
      { risk: number[]; cindex: number; concordant: number; discordant: number; comparable: number }
    >;
  };
}

const oracle = endpointOracle('patients') as Oracle;

function combination(name: string): Combination {
  return name === 'noisy_or' ? 'noisy-or' : name === 'max' ? 'max' : 'mean';
}

for (const expected of oracle.cases) {
  test(`slides become patients in the order of their first slides: ${expected.name}`, () => {
    const patients = groupByPatient(expected.slide_patient);
    assert.deepEqual(patients.names, expected.patients);
    assert.deepEqual(
      patients.members.map((rows) => rows.length),
      expected.slides_of_patient,
    );
    const agreed = () => agreedValues(expected.slide_label, patients, 'labels');
    if (expected.refuse) {
      const [named] = expected.conflicting_patients;
      assert.throws(agreed, hasCode('InvalidInput', new RegExp(`${named} \\(0, 1\\)`)));
    } else {
      assert.deepEqual(agreed(), expected.patient_label);
    }
  });

  for (const [name, way] of Object.entries(expected.by)) {
    test(`scores of slides become scores of patients by ${name}: ${expected.name}`, () => {
      const patients = groupByPatient(expected.slide_patient);
      if ('probabilities' in way) {
        const rows = combineProbabilities(expected.slide_score as number[][], patients, combination(name));
        rows.forEach((row, i) => nearAll(row, way.probabilities[i], `patient ${i}`));
        classMetricsMatch(rows, expected.patient_label ?? [], way.metrics);
        return;
      }
      const scores = combineScores(expected.slide_score as number[], patients, combination(name));
      nearAll(scores, way.score, 'score');
      const labels = anyPositive(expected.slide_label, patients).map((label) => label ?? NaN);
      const metrics = [
        way.metrics,
        way.metrics_at_half,
        way.metrics_if_any_positive_slide_makes_the_patient_positive,
      ];
      metrics.forEach((own) => own && binaryMetricsMatch(scores, labels, own));
      const pairs = (expected.slide_score as number[]).map((score) => [1 - score, score]);
      const rows = combineProbabilities(pairs, patients, combination(name));
      nearAll(
        rows.map((row) => row[1]),
        way.score,
        'second class',
      );
      rows.forEach((row) => near(sumOf([...row]), 1, 'sum'));
    });
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

for (const by of ['mean', 'max'] as const) {
  test(`the risk of a patient is the ${by} of its slides`, () => {
    const { slide_patient, slide_risk, ...expected } = oracle.survival;
    const patients = groupByPatient(slide_patient);
    assert.deepEqual(patients.names, expected.patients);
    const risks = combineScores(slide_risk, patients, by);
    const { risk, cindex, concordant, discordant, comparable } = expected.by[by];
    nearAll(risks, risk, 'risk');
    const actual = harrellConcordance(expected, risks);
    near(actual.cindex, cindex, 'cindex');
    assert.deepEqual(
      [actual.concordant, actual.discordant, actual.comparable],
      [concordant, discordant, comparable],
    );
  });
}

test('noisy-or refuses what is no probability', () => {
  const patients = groupByPatient(['a', 'a']);
  assert.throws(
    () => combineScores([0.5, 1.5], patients, 'noisy-or'),
    hasCode('InvalidInput', /expected 0 to 1; found 1.5/),
  );
});

test('contradicting patients are all named, a missing value contradicts nothing', () => {
  const patients = groupByPatient(['a', 'b', 'a', 'b', 'c']);
  assert.throws(
    () => agreedValues([1, 3, 2, 4, 5], patients, 'times'),
    hasCode('InvalidInput', /2 patients have slides with different times.*a \(1, 2\), b \(3, 4\)/),
  );
  assert.deepEqual(agreedValues(['x', null, 'x', 'y', null], patients, 'labels'), ['x', 'y', null]);
  assert.deepEqual(anyPositive([0, null, 1, 0, null], patients), [1, 0, null]);
  assert.deepEqual(groupByPatient([]), { names: [], members: [] });
});
