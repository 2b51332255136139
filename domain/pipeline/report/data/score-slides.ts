import { calledClass } from '../../../mil/evaluate/evaluation-files.js';
import type { ReadFold, SlideScore, SlideTest } from './report-data.js';

/**
 * Lists every scored slide with all its tests, worst first: by the mean probability that the models gave to
 * its true class.
 */
export function scoreSlides(folds: readonly ReadFold[]): SlideScore[] {
  const slides = new Map<string, SlideScore>();
  for (const { group, metrics, predictions } of folds) {
    const { classes, protocol, protocols, cell } = metrics;
    const threshold = protocols[protocol].threshold ?? Infinity;
    for (const prediction of predictions) {
      const { key, probabilities } = prediction;
      const label = classes[prediction.label];
      // One name may stand for different slides in evaluations of different cohorts.
      const id = JSON.stringify([key, label]);
      const slide: SlideScore = slides.get(id) ?? { key, label, tests: [] };
      const called = calledClass(prediction, threshold);
      slide.tests.push({
        group,
        cell,
        probability: probabilities[prediction.label],
        called: classes[called],
        wrong: called !== prediction.label,
      });
      slides.set(id, slide);
    }
  }
  const order = [...slides.values()].map((slide) => ({ slide, mean: meanProbability(slide.tests) }));
  return order
    .sort((a, b) => a.mean - b.mean || (a.slide.key < b.slide.key ? -1 : 1))
    .map(({ slide }) => slide);
}

/** Misclassified slides, worst first. */
export function listErrors(scored: readonly SlideScore[]): SlideScore[] {
  return scored.filter(({ tests }) => countWrong(tests) > 0);
}

/** Number of errors that are shown with pictures. */
export const SHOWN_ERRORS = 12;

/** Mean probability of the true class; NaN without tests. */
export function meanProbability(tests: readonly SlideTest[]): number {
  return tests.reduce((sum, { probability }) => sum + probability, 0) / tests.length;
}

export function countWrong(tests: readonly SlideTest[]): number {
  return tests.filter(({ wrong }) => wrong).length;
}
