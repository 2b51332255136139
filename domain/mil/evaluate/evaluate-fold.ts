import type { Job, JobResult } from '../../job.js';
import { encoderFacts } from '../bags/bag-facts.js';
import { listBags, selectBags } from '../bags/bags.js';
import { refuseClassOptions } from '../cohort/endpoint-options.js';
import { loadModel } from '../models/predict.js';
import { findFold, readSplits } from '../split/splits.js';
import { scoreClasses } from './fold-classes.js';
import { scoreRegressionFold, scoreSurvivalFold } from './fold-endpoints.js';
import { readFacts, type FoldWith } from './fold-facts.js';
import { patientsOfKeys, type FoldToScore } from './fold-to-score.js';
import { makeScorer } from './score-bags.js';
import { setsToScore } from './fold-to-score.js';

/** Scores one set of the fold on which a checkpoint was trained, and writes every metric. */
export async function evaluateFold(job: Job<FoldWith>): Promise<JobResult> {
  const options = job.with;
  const splits = readSplits(options.splits.path);
  refuseClassOptions(splits.endpoint, options);
  const model = await loadModel(options.checkpoint.path, options.backend);
  try {
    const facts = readFacts(job, model, splits);
    const fold = findFold(splits, facts.repeat, facts.fold);
    const [own, ...calibration] = setsToScore(options, splits.endpoint).map((set) => fold[set]);
    const keys = [...own, ...calibration.flat()];
    if (options.level === 'patient') patientsOfKeys(keys, splits);
    const bags = selectBags(keys, listBags(options.bags.path, job.work, options.encoder), options);
    const score = makeScorer(job, model, bags, keys.length);
    const scored = score(own);
    const validation = score(calibration.flat());
    const features = encoderFacts(bags.get(own[0])!.features);
    const training = { ...facts.training, ...(Object.keys(features).length > 0 ? { features } : {}) };
    const { target } = model;
    return scoreTarget({
      ...{ job, target, splits, scored, validation },
      facts: { ...facts, training },
      training: model.training,
    });
  } finally {
    model.dispose();
  }
}

function scoreTarget(fold: FoldToScore): JobResult {
  const { target } = fold;
  if (target.endpoint === 'classification') return scoreClasses({ ...fold, target });
  if (target.endpoint === 'survival') return scoreSurvivalFold({ ...fold, target });
  return scoreRegressionFold({ ...fold, target });
}
