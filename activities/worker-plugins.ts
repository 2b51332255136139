import { SimplePlugin } from '@temporalio/plugin';
import type { WorkerOptions } from '@temporalio/worker';
import type { PoolOptions } from './child/pool.js';
import type { ActivityPlugin } from './define/define-activity.js';
import { engineActivities } from './engine/engine-activities.js';
import { loadRegistry } from './plugins/load-plugins.js';
import type { CommandPolicy } from './step/served-folders.js';
import { EngineContext } from './step/engine-context.js';
import { type AssignedGpus, stepActivity } from './step/run-activity.js';

/**
 * Heartbeats carry cancellation and live progress; by default the SDK would delay them for most of the
 * timeout.
 */
const HEARTBEATS = { maxHeartbeatThrottleInterval: '2s', defaultHeartbeatThrottleInterval: '2s' } as const;

class SamMilPlugin extends SimplePlugin {
  override configureWorker(options: WorkerOptions): WorkerOptions {
    return super.configureWorker({ ...HEARTBEATS, ...options });
  }
}

/**
 * Returns a set of activities as a Temporal plugin for workers of step queues. SimplePlugin silently merges
 * activities of the same name; the registry of `engine` has already refused those.
 * @param gpus assigns GPUs to the steps of the queue
 */
export function temporalPlugin(
  plugin: ActivityPlugin,
  engine: EngineContext,
  gpus?: AssignedGpus,
): SimplePlugin {
  const activities = plugin.activities.map(
    (definition) => [definition.name, stepActivity(engine, definition, gpus)] as const,
  );
  return new SamMilPlugin({ name: `sam-mil.${plugin.name}`, activities: Object.fromEntries(activities) });
}

/** Returns the engine's own activities as a Temporal plugin for the worker that runs the workflows. */
export function enginePlugin(engine: EngineContext): SimplePlugin {
  return new SamMilPlugin({ name: 'sam-mil.engine', activities: engineActivities(engine) });
}

export interface SamMilPluginsOptions {
  /** External plugins: package names, or paths relative to the current folder. */
  plugins?: readonly string[];
  /** Options of the child processes that run the steps. */
  pool?: Omit<PoolOptions, 'plugins'>;
  /** Folders at or below which plans are carried out, whoever may write there; see WorkerSettings. */
  serve?: readonly string[];
  /** Whose plans may run programs with `pipeline.command`; see WorkerSettings. */
  commands?: CommandPolicy;
}

/**
 * Everything that a Temporal worker needs to serve pipelines in addition to its own workflows and activities.
 */
export interface SamMilPlugins {
  /**
   * For the worker of the engine queue, `engineQueue(prefix)`, which runs the workflows of
   * `sam-mil/workflows`.
   */
  engine: SimplePlugin;
  /** For workers of step queues, `stepQueue('cpu', prefix)`: all activities, built-in and external. */
  steps: SimplePlugin[];
  /** Ends the child processes. Call it when the workers have ended. */
  close(): Promise<void>;
}

/**
 * Returns the activities of this package and of external plugins as Temporal plugins for `Worker.create({
 * plugins })`.
 * @throws SamMilError InvalidInput for a plugin that is not found, exports no plugin, or uses a name that is
 * already used
 */
export async function samMilPlugins(options: SamMilPluginsOptions = {}): Promise<SamMilPlugins> {
  const engine = new EngineContext(await loadRegistry(options.plugins), options);
  return {
    engine: enginePlugin(engine),
    steps: engine.registry.plugins.map((plugin) => temporalPlugin(plugin, engine)),
    close: () => engine.close(),
  };
}
