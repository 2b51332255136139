import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { RunScope } from '../../domain/engine/item/step-input.js';
import type { EngineContext } from '../step/engine-context.js';
import { asFailure } from '../step/failures.js';
import { explainScope, requireScope } from '../step/require-scope.js';
import { findDamage } from './check-outputs.js';
import { checkPage } from './check-page.js';
import { closeRun } from './close-run.js';
import { finishStage } from './finish-stage.js';
import { listItems } from './list-items.js';
import { openRun } from './read-plan.js';
import { recordItems } from './record-items.js';
import { asFileFault } from './file-fault.js';
import type { EngineActivities } from './stage-messages.js';

/**
 * The engine's own activities: fast, asynchronous, and safe to repeat. They run on the queue of the
 * workflows.
 */
export function engineActivities(engine: EngineContext): EngineActivities {
  const inScope = <In extends RunScope, Out>(run: (input: In) => Promise<Out>) =>
    beating(engine, async (input: In) => {
      await requireScope(engine, input);
      try {
        return await run(input);
      } catch (error) {
        throw await explainScope(input, error);
      }
    });
  return {
    'engine.read-plan': inScope((input) => openRun(engine, input)),
    'engine.list-items': inScope(listItems),
    'engine.check-page': inScope((input) => checkPage(engine, input)),
    'engine.record-items': inScope(recordItems),
    'engine.finish-stage': inScope((input) => finishStage(engine, input)),
    'engine.check-outputs': inScope((input) =>
      findDamage(engine, input, Context.current().cancellationSignal),
    ),
    'engine.close-run': inScope((input) => closeRun(engine, input)),
  };
}

/**
 * Sends heartbeats while `run` works and converts its errors to Temporal failures. Not cancellable: each ends
 * soon, and a partial one is useless.
 */
function beating<In extends RunScope, Out>(
  { patienceMs }: EngineContext,
  run: (input: In) => Promise<Out>,
): (input: In) => Promise<Out> {
  return async (input) => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), 2000);
    try {
      return await run(input);
    } catch (error) {
      const late = Date.now() - context.info.scheduledTimestampMs >= patienceMs;
      const failure = asFailure(asFileFault(error, input.work, late));
      throw late ? lastFailure(failure) : failure;
    } finally {
      clearInterval(timer);
    }
  };
}

/**
 * These activities are retried for half a day, as a full disk may need it. A work folder that is missing for
 * longer than `patienceMs` was probably moved: the stage then fails, and the run holds and says so.
 */
function lastFailure(failure: Error): Error {
  if (!(failure instanceof ApplicationFailure) || failure.type !== 'WorkFolderLost') return failure;
  const { message, type, details } = failure;
  return ApplicationFailure.create({ message, type, nonRetryable: true, details: details ?? [] });
}
