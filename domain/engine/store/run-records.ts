import { listOf, mapOf, objectOf, RecordKind, TEXT } from '../../files/json-record.js';
import type { JsonObject } from '../../json.js';
import { WIRE_ERROR } from './item-shapes.js';

const TEXTS = listOf(TEXT);
const COUNT = { type: 'integer', minimum: 0 };
const TIME = { type: 'number' };

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
    failures: listOf(objectOf({ stage: TEXT, key: TEXT, error: WIRE_ERROR }, { step: TEXT })),
  },
  { startedAt: TIME, endedAt: TIME, waitedMs: TIME, reason: TEXT, error: WIRE_ERROR, workflowId: TEXT },
);

const RUN_STATUS = objectOf(
  {
    run: TEXT,
    pipeline: TEXT,
    work: TEXT,
    state: { enum: ['running', 'paused', 'held', 'done', 'failed', 'cancelled', 'replaced'] },
    startedAt: TIME,
    stages: listOf(STAGE_STATUS),
    message: TEXT,
  },
  { endedAt: TIME, waitedMs: TIME, waitingSince: TIME },
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
}>(objectOf({}, { items: mapOf(TEXTS), force: TEXTS, queuePrefix: TEXT }));

/** What the run was made from: `pipeline.lock.json`. */
export const LOCK_RECORD = new RecordKind<JsonObject>(
  objectOf({ lock: { const: 1 }, run: TEXT, pipeline: TEXT, params: { type: 'object' } }),
);
