import { SamMilError } from '../../errors.js';
import type { Endpoint } from '../targets/target.js';
import type { SplitWith } from './parameters.js';

const OF_SURVIVAL = {
  timeColumn: 'time-column',
  eventColumn: 'event-column',
  eventValues: 'event-values',
  censoredValues: 'censored-values',
} as const;

/** Parameters that would change nothing, by endpoint. */
const IDLE: Readonly<Record<Endpoint, Partial<Record<keyof SplitWith, string>>>> = {
  classification: OF_SURVIVAL,
  survival: { labelColumn: 'label-column', classes: 'classes' },
  regression: { ...OF_SURVIVAL, classes: 'classes' },
};

/**
 * Refuses parameters that have no effect on the endpoint, and a scheme that it does not have.
 * @throws SamMilError InvalidInput naming them
 */
export function refuseIdleParameters(options: Omit<SplitWith, 'bags'>): void {
  const { endpoint = 'classification', scheme, splits } = options;
  const given = (Object.keys(IDLE[endpoint]) as (keyof typeof options)[])
    .filter((name) => options[name] !== undefined)
    .map((name) => `\`${IDLE[endpoint][name] ?? name}\``);
  if (given.length > 0) {
    const verb = given.length === 1 ? 'has' : 'have';
    throw new SamMilError('InvalidInput', `${given.join(', ')} ${verb} no effect on ${endpoint}`, {
      expected: EXPECTED[endpoint],
      found: `\`endpoint: ${endpoint}\``,
      next: NEXT[endpoint],
    });
  }
  if (endpoint === 'classification' || scheme !== 'reference' || splits !== undefined) return;
  throw new SamMilError('InvalidInput', `\`scheme: reference\` does not exist for ${endpoint}`, {
    expected: '`scheme: stratified` or `scheme: all`',
    found: 'the published procedure, which balances classes and divides patients',
    next: 'remove `scheme`, or give published lists as `splits`',
  });
}

const EXPECTED: Readonly<Record<Endpoint, string>> = {
  classification: 'classes in `label-column`',
  survival: 'times in `time-column` and events in `event-column`',
  regression: 'values in `label-column`',
};

const NEXT: Readonly<Record<Endpoint, string>> = {
  classification: 'set `endpoint: survival`, or remove them',
  survival: 'use `time-column` and `event-column`, or set another `endpoint`',
  regression: 'set another `endpoint`, or remove them',
};
