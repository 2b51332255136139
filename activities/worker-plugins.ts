import { SimplePlugin } from '@temporalio/plugin';
import type { ActivityPlugin } from './define/define-activity.js';
import type { EngineContext } from './step/engine-context.js';
import { engineActivities } from './engine/engine-activities.js';
import { stepActivity } from './step/run-activity.js';

/**
 * A set of activities as a Temporal plugin, to be given to a worker of any step queue. SimplePlugin merges activities of one name silently: the
 * registry behind `engine` has refused that already.
 */
export function temporalPlugin(plugin: ActivityPlugin, engine: EngineContext): SimplePlugin {
  const activities = plugin.activities.map(
    (definition) => [definition.name, stepActivity(engine, definition)] as const,
  );
  return new SimplePlugin({ name: `sam-mil.${plugin.name}`, activities: Object.fromEntries(activities) });
}

/** The engine's own activities as a Temporal plugin, to be given to the worker that runs the workflows. */
export function enginePlugin(engine: EngineContext): SimplePlugin {
  return new SimplePlugin({ name: 'sam-mil.engine', activities: engineActivities(engine) });
}
