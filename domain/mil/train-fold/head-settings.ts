import { SamMilError } from '../../errors.js';
import type { HeadLoss } from '../targets/head.js';
import type { Endpoint } from '../targets/target.js';
import type { LossName } from './parameters.js';

/** The parameters of `mil.train-fold` that concern the head, and the options of the model, in camelCase. */
export interface GivenHead {
  loss?: LossName;
  timeBins?: number;
  censoredDiscount?: number;
  coxTies?: 'efron' | 'breslow';
  huberDelta?: number;
  bagsPerStep?: number;
  classWeights?: 'off' | 'balanced';
  bagLoss?: unknown;
  instLoss?: unknown;
  subtyping?: unknown;
  kSample?: unknown;
  bagWeight?: unknown;
}

export interface HeadSettings {
  loss: HeadLoss;
  /** Number of time bins. Only the hazard loss has any. */
  timeBins: number;
  bagsPerStep: number;
}

/** The losses of each endpoint. The first is the default. */
const LOSSES: Readonly<Record<Endpoint, readonly LossName[]>> = {
  classification: ['cross-entropy'],
  survival: ['hazard', 'cox'],
  regression: ['mse', 'huber', 'l1'],
};

/** Parameters that have an effect with one loss only. */
const OWNERS = [
  ['timeBins', 'time-bins', 'hazard'],
  ['censoredDiscount', 'censored-discount', 'hazard'],
  ['coxTies', 'cox-ties', 'cox'],
  ['huberDelta', 'huber-delta', 'huber'],
] as const;

/** Options of models that act on classes only. */
const OF_CLASSES = [
  ['instLoss', 'inst-loss'],
  ['subtyping', 'subtyping'],
  ['kSample', 'k-sample'],
  ['bagWeight', 'bag-weight'],
] as const;

const COX_WINDOW = 16;

/**
 * The loss and its settings, with defaults.
 * @throws SamMilError InvalidInput for a loss that cannot train the endpoint, and for a parameter without
 *   effect
 */
export function headSettings(endpoint: Endpoint, given: GivenHead): HeadSettings {
  const losses = LOSSES[endpoint];
  const name = given.loss ?? losses[0];
  if (!losses.includes(name)) {
    throw new SamMilError('InvalidInput', `the loss ${name} cannot train ${endpoint}`, {
      expected: `\`loss\`: ${losses.join(', ')}`,
      found: name,
      next: 'remove `loss`, or set `endpoint` of mil.split',
    });
  }
  refuseOtherLoss(name, given);
  if (endpoint !== 'classification') refuseClasses(endpoint, given);
  const bagsPerStep = given.bagsPerStep ?? (name === 'cox' ? COX_WINDOW : 1);
  return { loss: lossOf(name, given), timeBins: given.timeBins ?? 4, bagsPerStep };
}

/**
 * Refuses parameters that have no effect on a loss, or with which it cannot train.
 * @throws SamMilError InvalidInput
 */
export function refuseOtherLoss(name: LossName, given: GivenHead): void {
  for (const [key, parameter, owner] of OWNERS) {
    if (given[key] === undefined || owner === name) continue;
    throw noEffect(parameter, `with loss ${name}`, `\`${parameter}\` only with loss ${owner}`);
  }
  if (name !== 'cox' || given.bagsPerStep === undefined || given.bagsPerStep > 1) return;
  throw new SamMilError('InvalidInput', 'a single bag has no Cox likelihood to learn from', {
    expected: '`bags-per-step` of at least 2, better 16 or more, with loss cox',
    found: `${given.bagsPerStep}`,
  });
}

function refuseClasses(endpoint: Endpoint, given: GivenHead): void {
  const on = `on ${endpoint}`;
  if (given.classWeights === 'balanced') {
    throw noEffect('class-weights', on, '`class-weights` only for classes');
  }
  if (given.bagLoss === 'bce') {
    throw new SamMilError(
      'InvalidInput',
      `\`bag-loss: bce\` is a loss of classes and cannot train ${endpoint}`,
      {
        expected: '`bag-loss: ce`, which then stands for the `loss` of the training',
        next: 'remove `bag-loss`',
      },
    );
  }
  for (const [key, option] of OF_CLASSES) {
    if (given[key] === undefined) continue;
    throw noEffect(option, on, `\`${option}\` only for classes, which CLAM's instance classifiers need`);
  }
}

function noEffect(parameter: string, where: string, expected: string): SamMilError {
  return new SamMilError('InvalidInput', `\`${parameter}\` has no effect ${where}`, {
    expected,
    next: `remove \`${parameter}\``,
  });
}

function lossOf(name: LossName, given: GivenHead): HeadLoss {
  switch (name) {
    case 'hazard':
      return { name, alpha: given.censoredDiscount ?? 0 };
    case 'cox':
      return { name, ties: given.coxTies ?? 'efron' };
    case 'huber':
      return { name, delta: given.huberDelta ?? 1 };
    default:
      return { name };
  }
}
