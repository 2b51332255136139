import { Context } from '@temporalio/activity';
import type { EngineContext } from '../step/engine-context.js';
import { asFailure } from '../step/failures.js';
import { checkPage } from './check-page.js';
import { closeRun } from './close-run.js';
import { finishStage } from './finish-stage.js';
import { listItems } from './list-items.js';
import { openRun } from './read-plan.js';
import { recordItems } from './record-items.js';
import type { EngineActivities } from './stage-messages.js';

/**
 * The engine's own activities: fast, asynchronous, and safe to repeat. They run on the queue of the
 * workflows.
 */
export function engineActivities(engine: EngineContext): EngineActivities {
  return {
    'engine.read-plan': beating((input) => openRun(engine, input)),
    'engine.list-items': beating(listItems),
    'engine.check-page': beating((input) => checkPage(engine, input)),
    'engine.record-items': beating(recordItems),
    'engine.finish-stage': beating((input) => finishStage(engine, input)),
    'engine.close-run': beating(closeRun),
  };
}

/**
 * Sends heartbeats while `run` works and converts its errors to Temporal failures. Not cancellable: each ends
 * soon, and a partial one is useless.
 */
function beating<In, Out>(run: (input: In) => Promise<Out>): (input: In) => Promise<Out> {
  return async (input) => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), 2000);
    try {
      return await run(input);
    } catch (error) {
      throw asFailure(error);
    } finally {
      clearInterval(timer);
    }
  };
}
