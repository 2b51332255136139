import { listOf, mapOf, objectOf, RecordKind, TEXT } from '../../../files/json-record.js';
import type { Plan } from './plan.js';

const NUMBER = { type: 'number' };
const FLAG = { type: 'boolean' };
const OBJECT = { type: 'object' };
const TEXTS = listOf(TEXT);

const NAMED = { keyField: TEXT, exclude: TEXT };

const SOURCE = {
  oneOf: [
    objectOf({ kind: { const: 'single' } }),
    objectOf({ kind: { const: 'matrix' }, cells: listOf(objectOf({ key: TEXT, values: OBJECT })) }),
    objectOf({ kind: { enum: ['glob', 'dir', 'csv'] }, value: TEXT, as: TEXT }, NAMED),
    objectOf({ kind: { const: 'list' }, value: {}, as: TEXT }, NAMED),
    objectOf({ kind: { const: 'from' }, stage: TEXT, as: TEXT }),
  ],
};

const RETRY = objectOf({
  maxAttempts: NUMBER,
  initialInterval: TEXT,
  backoffCoefficient: NUMBER,
  maximumInterval: TEXT,
  nonRetryable: TEXTS,
});

const STEP = objectOf(
  {
    id: TEXT,
    uses: TEXT,
    version: NUMBER,
    with: OBJECT,
    queue: TEXT,
    timeout: TEXT,
    heartbeat: TEXT,
    retry: RETRY,
  },
  { if: TEXT },
);

const STAGE = objectOf(
  {
    name: TEXT,
    needs: TEXTS,
    source: SOURCE,
    maxParallel: NUMBER,
    failFast: FLAG,
    minSuccess: NUMBER,
    steps: { ...listOf(STEP), minItems: 1 },
  },
  { of: TEXT, reuse: FLAG, if: TEXT, outputs: mapOf({}) },
);

/** The plan of a run: `<work>/.runs/<run>/plan.json`. */
export const PLAN = new RecordKind<Plan>(
  objectOf(
    {
      plan: { const: 1 },
      name: TEXT,
      description: TEXT,
      source: objectOf({ path: TEXT, digest: TEXT }),
      base: TEXT,
      work: TEXT,
      params: OBJECT,
      onFailure: { enum: ['hold', 'fail', 'continue'] },
      stages: listOf(STAGE),
    },
    { plugins: TEXTS },
  ),
);
