import { pluginPaths } from '../../activities/plugins/find-plugin.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { invalid } from '../command-line/errors.js';
import type { Session } from '../server/connect.js';
import { registeredProcesses, registerProcess, unregisterProcess } from '../server/state-folder.js';

/** Where a worker polls. */
type WorkerServer = Pick<WorkerFacts, 'address' | 'namespace' | 'prefix'>;

/** What a worker of this user on this machine serves, and what a run needs to be served. */
export interface WorkerFacts {
  /** `engine`, and names used in `runs-on`. */
  queues: readonly string[];
  /** Of its server, `host:port`. */
  address: string;
  namespace: string;
  /** Prefix of its task queues; absent: the default one. */
  prefix?: string;
  /** Absolute paths of the packages and modules of external plugins. */
  plugins: readonly string[];
}

/** Tells other commands of this user that this process is a worker. */
export function registerWorker(facts: WorkerFacts): void {
  registerProcess('workers', facts);
}

export function unregisterWorker(): void {
  unregisterProcess('workers');
}

/**
 * What a worker must serve to run a plan: the engine's queue and those of its steps, on the session's server.
 * @throws PluginFault where this machine lacks a plugin of the plan
 */
export function needsOf(plan: Plan, { address, namespace }: Session, prefix?: string): WorkerFacts {
  const queues = plan.stages.flatMap((stage) => stage.steps.map((step) => step.queue));
  return {
    queues: [...new Set(['engine', ...queues])],
    address,
    namespace,
    ...(prefix === undefined ? {} : { prefix }),
    plugins: pluginPaths(plan.plugins ?? [], plan.base),
  };
}

/** Whether workers that others have started serve all that is needed. */
export function othersServe({ queues, plugins, ...server }: WorkerFacts): boolean {
  const fitting = workersOn(server).filter((worker) =>
    plugins.every((path) => worker.plugins.includes(path)),
  );
  return queues.every((queue) => fitting.some((worker) => worker.queues.includes(queue)));
}

/** Plugins of all workers on a server: one that is started beside them is handed steps of their runs too. */
export function pluginsOn(server: WorkerServer): string[] {
  return [...new Set(workersOn(server).flatMap(({ plugins }) => plugins))];
}

/**
 * A worker without a run's plugin would be handed its steps all the same and fail them.
 * @throws SamMilError InvalidInput where one is up that serves a queue which is needed
 */
export function refuseWorkersWithout({ queues, plugins, ...server }: WorkerFacts): void {
  for (const worker of workersOn(server)) {
    const missing = plugins.find((path) => !worker.plugins.includes(path));
    if (missing === undefined || !queues.some((queue) => queue !== 'engine' && worker.queues.includes(queue)))
      continue;
    throw invalid(
      `the worker with process id ${worker.pid} serves ${server.address} without the plugin ${missing}: it would take steps of this run and fail them`,
      'wait until the command that it belongs to has ended, or stop it and start it with this --plugin',
    );
  }
}

function workersOn({ address, namespace, prefix }: WorkerServer): (WorkerFacts & { pid: number })[] {
  return registeredProcesses('workers')
    .map(({ pid, facts }) => ({ ...NOTHING, ...(facts as Partial<WorkerFacts>), pid }))
    .filter(
      (worker) => worker.address === address && worker.namespace === namespace && worker.prefix === prefix,
    );
}

const NOTHING: WorkerFacts = { queues: [], address: '', namespace: '', plugins: [] };
