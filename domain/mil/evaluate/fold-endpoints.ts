import type { JobResult } from '../../job.js';
import type { Numbers } from '../../statistics/ranking.js';
import { breslowBaseline, coxSurvival } from '../../statistics/survival/breslow.js';
import { curveAt } from '../../statistics/survival/hazard-curve.js';
import { riskThreshold } from '../../statistics/survival/median-split.js';
import { firstNames } from '../bags/first-names.js';
import { combineCases, type Case } from '../cohort/patient-cases.js';
import { storedRisks, type TrainingRisks } from '../cohort/training-risks.js';
import { groupByPatient } from '../combine/patients.js';
import { outcomeOf } from '../split/splits.js';
import { curveFromLogits } from '../targets/hazard-loss.js';
import { riskOf } from '../targets/risk.js';
import type { RegressionTarget, SurvivalTarget } from '../targets/target.js';
import { regressionCases, survivalCases } from '../cohort/endpoint-predictions.js';
import { writeRegression, writeSurvival } from './endpoint-files.js';
import { patientOf, patientsOfKeys, type FoldToScore } from './fold-to-score.js';

/** Scores the survival of a fold. Thresholds, scales and censoring come from its training patients. */
export function scoreSurvivalFold(fold: FoldToScore<SurvivalTarget>): JobResult {
  const { job, facts, target, scored } = fold;
  const training = storedRisks(fold.training, job.with.checkpoint.path);
  warnOfSeveralSlides(fold);
  const cases = casesOf(fold, scored.map(({ key, logits }) => ({
    ...{ key, score: riskOf(logits, target) },
    ...(target.head === 'hazard' && { curve: curveFromLogits(logits) }),
  }))); // prettier-ignore
  return writeSurvival(job.scratch, facts, survivalCases(cases), {
    reference: {
      training: { value: training },
      threshold: {
        value: {
          value: riskThreshold(training.risks),
          from: `median risk of ${training.risks.length} training patients`,
        },
      },
      survival: { value: (times) => predictedSurvival(cases, target, training, times) },
    },
    trainingRisks: training.risks,
    ...{ head: target.head, time: target.time, bootstrap: job.with.bootstrap },
  });
}

/** Predicted S(t|x) at some times: one row per case. */
export function predictedSurvival(
  cases: readonly Case[],
  target: SurvivalTarget,
  training: TrainingRisks,
  times: Numbers,
): Numbers[] {
  if (target.head === 'hazard') {
    return cases.map(({ curve = [] }) => curveAt(curve, target.edges, times));
  }
  const baseline = breslowBaseline(training, training.risks);
  return cases.map(({ score }) => coxSurvival(baseline, score, times));
}

/** Scores the predicted values of a fold. */
export function scoreRegressionFold(fold: FoldToScore<RegressionTarget>): JobResult {
  const { job, facts, target, scored } = fold;
  const cases = casesOf(fold, scored.map(({ key, logits }) => ({ key, score: logits[0] }))); // prettier-ignore
  const { bootstrap } = job.with;
  return writeRegression(job.scratch, facts, regressionCases(cases), { value: target.value, bootstrap });
}

/** The slides with what the splits state of them, or their patients. */
function casesOf({ job, splits }: FoldToScore, slides: readonly Case[]): Case[] {
  const { level, patientScore = 'mean' } = job.with;
  const known = slides.map((slide): Case => {
    const patient = patientOf(slide.key, splits);
    const outcome = outcomeOf(splits, slide.key);
    return {
      ...slide,
      ...(patient !== undefined && { patient }),
      ...(outcome.endpoint === 'survival' && { followUp: { time: outcome.time, event: outcome.event } }),
      ...(outcome.endpoint === 'regression' && { value: outcome.value }),
    };
  });
  if (level !== 'patient' || known.length === 0) return known;
  return combineCases(known, patientsOfKeys(known.map(({ key }) => key), splits), patientScore); // prettier-ignore
}

/** A patient with several slides counts several times in scores of slides. */
function warnOfSeveralSlides({ job, splits, scored }: FoldToScore): void {
  if (job.with.level === 'patient') return;
  const patients = groupByPatient(scored.flatMap(({ key }) => patientOf(key, splits) ?? []));
  const several = patients.names.filter((_, i) => patients.members[i].length > 1);
  if (several.length === 0) return;
  job.log(
    'warn',
    `${several.length} patients have several slides and count once per slide: ${firstNames(several)}. \`level: patient\` counts each patient once`,
  );
}
