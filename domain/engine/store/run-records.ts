import { objectOf, RecordKind } from '../../files/json-record.js';
import type { JsonObject } from '../../json.js';

const TEXT = { type: 'string' };
const TEXTS = { type: 'array', items: TEXT };
const COUNT = { type: 'integer', minimum: 0 };
const TIME = { type: 'number' };

const ERROR = objectOf({ code: TEXT, what: TEXT, facts: { type: 'object' } });

const STAGE_STATUS = objectOf(
  {
    name: TEXT,
    needs: TEXTS,
    state: TEXT,
    total: COUNT,
    done: COUNT,
    cached: COUNT,
    idle: COUNT,
    skipped: COUNT,
    failed: COUNT,
    running: COUNT,
    failures: { type: 'array', items: objectOf({ stage: TEXT, key: TEXT, error: ERROR }, { step: TEXT }) },
  },
  { startedAt: TIME, endedAt: TIME, reason: TEXT, error: ERROR, workflowId: TEXT },
);

const RUN_STATUS = objectOf(
  {
    run: TEXT,
    pipeline: TEXT,
    work: TEXT,
    state: { enum: ['running', 'paused', 'held', 'done', 'failed', 'cancelled'] },
    startedAt: TIME,
    stages: { type: 'array', items: STAGE_STATUS },
    message: TEXT,
  },
  { endedAt: TIME },
);

/** How a run ended: `run.json` in its folder. It is the status that the run's workflow returns. */
export const RUN_RECORD = new RecordKind<JsonObject>(RUN_STATUS);

/** The last status that a client saw: `seen.json`. */
export const SEEN_RECORD = new RecordKind<{ at: number; status: JsonObject }>(
  objectOf({ at: TIME, status: RUN_STATUS }),
);

/** What was requested in addition to the plan: `start.json`. */
export const REQUEST_RECORD = new RecordKind<{
  items?: Record<string, string[]>;
  force?: string[];
  queuePrefix?: string;
}>(objectOf({}, { items: { type: 'object', additionalProperties: TEXTS }, force: TEXTS, queuePrefix: TEXT }));

/** What the run was made from: `pipeline.lock.json`. */
export const LOCK_RECORD = new RecordKind<JsonObject>(
  objectOf({ lock: { const: 1 }, run: TEXT, pipeline: TEXT, params: { type: 'object' } }),
);
