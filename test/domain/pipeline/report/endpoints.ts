import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ItemRecord, JobResult } from '../../../../domain/job.js';
import type { JsonObject } from '../../../../domain/json.js';
import type { RegressionCase, SurvivalCase } from '../../../../domain/mil/cohort/endpoint-predictions.js';
import { writeRegression, writeSurvival } from '../../../../domain/mil/evaluate/endpoint-files.js';
import { RandomStream } from '../../../../domain/random.js';
import { curveAt } from '../../../../domain/statistics/survival/hazard-curve.js';
import { riskThreshold } from '../../../../domain/statistics/survival/median-split.js';
import { checkpointDigest, fileRef, record, slideName, SPLITS_DIGEST } from './support.js';

/** Evaluations to write; `skills` by model: how much its predictions know. */
export interface EndpointShape {
  skills: Readonly<Record<string, number>>;
  repeats: number;
  folds: number;
  slides: number;
  bootstrap: number;
}

export const SMALL_ENDPOINT: EndpointShape = {
  skills: { simlp: 0.4, abmil: 2 },
  ...{ repeats: 2, folds: 3, slides: 90, bootstrap: 60 },
};

const EDGES = [12, 24, 40];

/** Every third patient has two slides. */
function patientOf(slide: number): number {
  return slide % 4 === 3 ? slide - 1 : slide;
}

interface Place {
  model: string;
  repeat: number;
  fold: number;
}

/** A cohort in months, censored at random, and a model whose risk is the true one with noise. */
function survivalCases(
  { model, repeat }: Omit<Place, 'fold'>,
  skill: number,
  slides: number,
): SurvivalCase[] {
  const truth = new RandomStream('survival-report', 'truth');
  const noise = new RandomStream('survival-report', model, repeat);
  const patients = Array.from({ length: slides }, () => {
    const danger = truth.normal();
    const [death, end] = [
      -30 * Math.exp(-0.9 * danger) * Math.log(1 - truth.uniform()),
      6 + 60 * truth.uniform(),
    ];
    const time = Math.round(10 * Math.min(death, end)) / 10;
    const event: 0 | 1 = death <= end ? 1 : 0;
    return { danger, time, event };
  });
  return patients.map((_, slide) => {
    const { danger, time, event } = patients[patientOf(slide)];
    const shown = (skill * danger + noise.normal()) / (1 + skill);
    return {
      key: slideName(slide),
      patient: `P${patientOf(slide)}`,
      time,
      event,
      risk: -4 / (1 + Math.exp(shown)),
    };
  });
}

function regressionCases(
  { model, repeat }: Omit<Place, 'fold'>,
  skill: number,
  slides: number,
): RegressionCase[] {
  const truth = new RandomStream('regression-report', 'truth');
  const noise = new RandomStream('regression-report', model, repeat);
  const values = Array.from({ length: slides }, () => 20 + 8 * truth.normal());
  return values.map((value, slide) => ({
    ...{ key: slideName(slide), patient: `P${patientOf(slide)}`, value },
    predicted: 20 + (skill * (value - 20) + 8 * noise.normal()) / (1 + skill),
  }));
}

function factsOf({ model, repeat, fold }: Place) {
  const cell = `${model}-${repeat}-${fold}`;
  return {
    ...{ cell, model, repeat, fold, seed: 2021 + repeat, set: 'test' as const, level: 'slide' as const },
    selection: { epoch: 12 + fold, by: 'best validation score', optimistic: false },
    training: { backend: 'test' },
    sources: { checkpoint: checkpointDigest(cell), splits: SPLITS_DIGEST },
  };
}

function item(
  work: string,
  { model, repeat, fold }: Place,
  write: (folder: string) => JobResult,
): ItemRecord {
  const cell = `${model}-${repeat}-${fold}`;
  const folder = join(work, 'evaluate', cell);
  mkdirSync(folder, { recursive: true });
  const { files, values } = write(folder);
  const outputs = Object.entries(files).map(([name, { to }]) => [
    name,
    fileRef(work, `evaluate/${cell}/${to}`),
  ]);
  return record(cell, { model, repeat, fold }, { ...Object.fromEntries(outputs), ...values } as JsonObject);
}

function places({ skills, repeats, folds }: EndpointShape): (Place & { skill: number })[] {
  return Object.entries(skills).flatMap(([model, skill]) =>
    Array.from({ length: repeats * folds }, (_, i) => ({
      ...{ model, skill, repeat: Math.floor(i / folds), fold: i % folds },
    })),
  );
}

/**
 * Evaluations of survival as mil.evaluate writes them, slides of one patient in one fold.
 * @param scale false: as of another tool, whose training risks are not known
 */
export function survivalItems(work: string, shape = SMALL_ENDPOINT, { scale = true } = {}): ItemRecord[] {
  return places(shape).map((place) => {
    const all = survivalCases(place, place.skill, shape.slides);
    const isTest = (_: SurvivalCase, slide: number) => (patientOf(slide) >> 1) % shape.folds === place.fold;
    const training = all.filter((one, slide) => !isTest(one, slide));
    const scored = all.filter(isTest);
    const risks = training.map(({ risk }) => risk);
    const followUp = { times: training.map(({ time }) => time), events: training.map(({ event }) => event) };
    const curves = scored.map(({ risk }) =>
      [0.25, 0.5, 0.75, 1].map((power) => (-risk / 4) ** power).reverse(),
    );
    return item(work, place, (folder) =>
      writeSurvival(folder, factsOf(place), scored, {
        reference: {
          training: { value: followUp },
          threshold: { value: { value: riskThreshold(risks), from: 'median of the training risks' } },
          survival: { value: (times) => curves.map((curve) => curveAt(curve, EDGES, times)) },
        },
        trainingRisks: scale ? risks : undefined,
        ...{ head: 'hazard', time: 'os_months', bootstrap: shape.bootstrap },
      }),
    );
  });
}

/** Evaluations of regression as mil.evaluate writes them. */
export function regressionItems(work: string, shape = SMALL_ENDPOINT): ItemRecord[] {
  return places(shape).map((place) => {
    const all = regressionCases(place, place.skill, shape.slides);
    const scored = all.filter((_, slide) => (patientOf(slide) >> 1) % shape.folds === place.fold);
    return item(work, place, (folder) =>
      writeRegression(folder, factsOf(place), scored, { value: 'hrd_score', bootstrap: shape.bootstrap }),
    );
  });
}
