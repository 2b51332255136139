import { Context } from '@temporalio/activity';
import { hostname } from 'node:os';
import { errorLines } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { GpuSlots } from '../../domain/machine/gpu/gpu-slots.js';
import { encodeError } from '../../domain/machine/threads/wire-error.js';
import type { Receipt, StepUse } from '../../domain/engine/store/receipt-record.js';
import { appendEvent, appendItemLog, type RunEvent } from '../../domain/engine/store/run-events.js';
import type { StepInput, StepResult } from '../../domain/engine/item/step-input.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import type { EngineContext } from './engine-context.js';
import { asFailure } from './failures.js';
import { startHeartbeat, stoppedFailure } from './heartbeat.js';
import { explainScope, requirePlannedStep, requirePlannedWith, requireScope } from './require-scope.js';
import { placeOf, runStep, type StepOutcome } from './run-step.js';

/** The GPUs of a worker, as one of its queues assigns them. */
export interface AssignedGpus {
  slots: GpuSlots;
  /** To every step of the queue; otherwise to those that would use a GPU if they saw one. */
  all: boolean;
}

/**
 * Returns the Temporal activity of a definition: {@link runStep} with heartbeats, cancellation, log, events,
 * and Temporal failures.
 * @param gpus assigns GPUs: on a gpu queue, one to each step; on others, to steps that would use one
 */
export function stepActivity(
  engine: EngineContext,
  definition: ActivityDefinition,
  gpus?: AssignedGpus,
): (input: StepInput) => Promise<StepResult> {
  return async (input) => {
    const context = Context.current();
    const waited = secondsSince(context.info.currentAttemptScheduledTimestampMs);
    await requirePlanned(engine, definition, input);
    const heartbeat = startHeartbeat(context, placeOf(input));
    const record = new AttemptRecord(engine, input, context.info.attempt);
    const attempt = async (): Promise<StepResult> => {
      try {
        await record.event('started');
        const outcome = await runStep(engine, definition, input, {
          number: context.info.attempt,
          signal: context.cancellationSignal,
          ...(gpus && { gpus: gpus.slots, gpuQueue: gpus.all }),
          ...(waited !== undefined && { waited }),
          onGpu: ({ index }) => heartbeat.device(`GPU ${index}`),
          onProgress: (report) => heartbeat.report(report),
          onLog: (level, message, facts) => record.log(level, message, facts),
        });
        await record.ended(outcome);
        return resultOf(outcome);
      } catch (thrown) {
        const error = await explainScope(input, thrown);
        const stopped = context.cancellationSignal.aborted;
        await record.failed(error, stopped);
        throw stopped ? stoppedFailure(context) : asFailure(error);
      }
    };
    try {
      return await boundedOnceStopped(context, attempt());
    } finally {
      heartbeat.stop();
    }
  };
}

/** Undefined if the server's clock is ahead of that of this host. */
function secondsSince(milliseconds: number): number | undefined {
  const waited = Date.now() - milliseconds;
  return waited < 0 ? undefined : Math.round(waited) / 1000;
}

/** Checked before the attempt is logged: nothing is written into a folder that the run may not use. */
async function requirePlanned(
  engine: EngineContext,
  { name, runsPrograms }: ActivityDefinition,
  input: StepInput,
): Promise<void> {
  try {
    const { stage, step } = input;
    const planned = requirePlannedStep(await requireScope(engine, input), { stage, step, uses: name });
    if (!runsPrograms) return;
    await engine.served.requireCommands(input);
    requirePlannedWith(planned, input.with);
  } catch (error) {
    throw asFailure(error);
  }
}

/** A stopped child has been killed by then. */
const STOPPING_MS = 60_000;

/**
 * A stopped attempt ends even if the disk that it writes to does not answer: the run must not wait for it.
 * Its claim is lost to the next attempt, so that a late end changes nothing.
 */
function boundedOnceStopped(context: Context, attempt: Promise<StepResult>): Promise<StepResult> {
  const { cancellationSignal: signal } = context;
  let timer: NodeJS.Timeout | undefined;
  let start = () => undefined as void;
  const bound = new Promise<never>((_, fail) => {
    start = () => {
      timer = setTimeout(() => fail(stoppedFailure(context)), STOPPING_MS);
    };
    if (signal.aborted) start();
    else signal.addEventListener('abort', start, { once: true });
  });
  attempt.catch(() => undefined);
  return Promise.race([attempt, bound]).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', start);
  });
}

function resultOf({ receipt, how }: StepOutcome): StepResult {
  const { outputs, skip, made } = receipt;
  return { outputs, ...(skip === undefined ? {} : { skip }), cached: how !== 'done', seconds: made.seconds };
}

function useOf({ made }: Receipt): StepUse {
  const { memory, devices, cpu, gpu, patchesPerSecond, waited } = made;
  const use = { memory, devices, cpu, gpu, patchesPerSecond, waited };
  return Object.fromEntries(Object.entries(use).filter(([, value]) => value !== undefined));
}

/** Writes what happened to the run's event file and the item's log. */
class AttemptRecord {
  private readonly engine: EngineContext;
  private readonly input: StepInput;
  private readonly attempt: number;
  private readonly began = performance.now();
  /** Lines are appended sequentially to keep their order. */
  private logged: Promise<void> = Promise.resolve();

  constructor(engine: EngineContext, input: StepInput, attempt: number) {
    this.engine = engine;
    this.input = input;
    this.attempt = attempt;
  }

  async event(event: RunEvent['event'], facts: Partial<RunEvent> = {}): Promise<void> {
    const { work, run } = this.input;
    await appendEvent(work, run, this.engine.worker, {
      time: new Date().toISOString(),
      ...placeOf(this.input),
      attempt: this.attempt,
      event,
      ...facts,
      host: hostname(),
      pid: process.pid,
    });
  }

  async ended({ receipt, how }: StepOutcome): Promise<void> {
    const seconds = this.seconds();
    if (how === 'done') this.log('info', `done in ${seconds} s`);
    await this.event(receipt.skip === undefined ? how : 'skipped', {
      seconds,
      ...(how === 'done' && { used: useOf(receipt) }),
      ...(receipt.skip === undefined ? {} : { message: receipt.skip }),
    });
  }

  async failed(error: unknown, stopped: boolean): Promise<void> {
    if (stopped) {
      await this.event('cancelled', { seconds: this.seconds() });
      return;
    }
    const wire = encodeError(error);
    // A bug can be located only by its stack; for other errors the facts say more.
    const stack = wire.code === 'Internal' && wire.stack !== undefined ? [wire.stack] : [];
    this.log('warn', [`${wire.code}: ${errorLines(wire).join('\n')}`, ...stack].join('\n'));
    await this.event('failed', { seconds: this.seconds(), error: wire });
  }

  log(level: 'info' | 'warn', message: string, facts?: JsonObject): void {
    const { work, run, step } = this.input;
    const tail = facts === undefined ? '' : ` ${JSON.stringify(facts)}`;
    const line = `${new Date().toISOString()} ${level} ${step}#${this.attempt} ${message}${tail}`;
    this.logged = this.logged.then(() => appendItemLog(work, run, placeOf(this.input), line));
  }

  private seconds(): number {
    return Math.round(performance.now() - this.began) / 1000;
  }
}
