import type { Settings } from './document.js';
import { nearest } from '../expressions/did-you-mean.js';
import { ERROR_CODES, isErrorCode } from '../../../errors.js';
import { openMap, type MapReader, type ReadContext } from './map-reader.js';
import { nameFault } from './names.js';
import type { RetryPlan } from '../plan/plan.js';

/** Keys of a step, a stage and `defaults` that define how to run, not what. */
export const STEP_SETTINGS = ['runs-on', 'timeout', 'heartbeat', 'stall', 'retry'];
export const STAGE_SETTINGS = [...STEP_SETTINGS, 'max-parallel', 'fail-fast', 'min-success'];

const RETRY_KEYS = [
  'max-attempts',
  'initial-interval',
  'backoff-coefficient',
  'maximum-interval',
  'non-retryable',
];

/** Reads the settings among the keys of `map`. Missing keys stay absent. */
export function readSettings(map: MapReader, context: ReadContext): Settings {
  return withoutAbsent({
    queue: queue(map, context),
    timeout: map.duration('timeout'),
    heartbeat: map.duration('heartbeat'),
    stall: map.duration('stall', 'off'),
    retry: retry(map, context),
    maxParallel: map.integer('max-parallel', 1, 1000),
    failFast: map.boolean('fail-fast'),
    minSuccess: map.number('min-success', 0, 1),
  });
}

function queue(map: MapReader, context: ReadContext): string | undefined {
  const name = map.text('runs-on');
  if (name === undefined || name === 'cpu' || name === 'gpu') return name;
  const place = map.entry('runs-on')?.value.place ?? map.node.place;
  const fault = nameFault(name);
  if (fault !== undefined) {
    context.problems.error(
      'bad-name',
      place,
      `\`${name}\` is not a valid queue name: ${fault}`,
      'queues: cpu, gpu',
    );
    return undefined;
  }
  const meant = nearest(name, ['cpu', 'gpu']);
  if (meant !== undefined) {
    const message = `no worker serves the queue \`${name}\` unless you start one`;
    context.problems.warning('unusual-queue', place, message, `did you mean \`${meant}\`?`);
  }
  return name;
}

function retry(map: MapReader, context: ReadContext): Partial<RetryPlan> | undefined {
  const entry = map.entry('retry');
  const inner =
    entry && openMap(entry.value, '`retry`', RETRY_KEYS, context, 'write retry: { max-attempts: 3 }');
  if (inner === undefined) return undefined;
  return withoutAbsent({
    maxAttempts: inner.integer('max-attempts', 1, 1000),
    initialInterval: inner.duration('initial-interval'),
    backoffCoefficient: inner.number('backoff-coefficient', 1, 100),
    maximumInterval: inner.duration('maximum-interval'),
    nonRetryable: nonRetryable(inner, context),
  });
}

function nonRetryable(map: MapReader, context: ReadContext): string[] | undefined {
  if (map.entry('non-retryable') === undefined) return undefined;
  const names = map.names('non-retryable');
  for (const { name, place } of names) {
    const meant = nearest(name, ERROR_CODES);
    if (isErrorCode(name) || meant === undefined) continue;
    context.problems.warning(
      'bad-value',
      place,
      `no error has the type \`${name}\``,
      `did you mean \`${meant}\`?`,
    );
  }
  return names.map(({ name }) => name);
}

function withoutAbsent<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
