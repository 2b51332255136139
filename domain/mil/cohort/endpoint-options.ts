import { SamMilError } from '../../errors.js';
import type { Endpoint } from '../targets/target.js';
import type { Combination } from '../combine/patient-scores.js';

/** Parameters of mil.evaluate and mil.predict that presuppose classes. */
export interface ClassOptions {
  /** `validation`, as undefined: not requested. */
  threshold?: string | number;
  protocol?: string;
  ordered?: boolean;
  classes?: readonly string[];
  combine?: string;
  patientScore?: Combination;
}

/**
 * Refuses parameters that only a classification has, and ways to combine scores that are no probabilities.
 * @throws SamMilError InvalidInput naming the parameter and the endpoint
 */
export function refuseClassOptions(endpoint: Endpoint, options: ClassOptions): void {
  if (endpoint === 'classification') return;
  const { threshold = 'validation', protocol, ordered, patientScore = 'mean', classes, combine } = options;
  const split =
    endpoint === 'survival'
      ? 'risk groups are split at the median risk of the training patients'
      : 'nothing is called by a threshold';
  if (threshold !== 'validation') throw refusal(`threshold: ${threshold}`, endpoint, split);
  if (protocol === 'paper') throw refusal('protocol: paper', endpoint, split);
  if (ordered === true) throw refusal('ordered', endpoint, 'there are no classes');
  if (classes !== undefined) throw refusal('classes', endpoint, 'there are no classes');
  if (combine === 'logits')
    throw refusal('combine: logits', endpoint, 'risks or values of the checkpoints are averaged');
  refuseCombination(endpoint, patientScore);
}

function refuseCombination(endpoint: Endpoint, by: Combination): void {
  if (by === 'mean') return;
  if (by === 'max' && endpoint === 'survival') return;
  const allowed = endpoint === 'survival' ? '`mean` or `max` of the risks' : '`mean` of the values';
  throw new SamMilError('InvalidInput', `\`patient-score: ${by}\` has no meaning for ${endpoint}`, {
    expected: allowed,
    next: 'remove `patient-score`',
  });
}

function refusal(parameter: string, endpoint: Endpoint, why: string): SamMilError {
  const [name] = parameter.split(':');
  return new SamMilError('InvalidInput', `\`${parameter}\` has no meaning for ${endpoint}`, {
    expected: `no \`${name}\`: ${why}`,
    next: `remove \`${name}\``,
  });
}
