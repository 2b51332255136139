import { pluginPaths } from '../../activities/plugins/find-plugin.js';
import { isOwnFolder } from '../../activities/step/served-folders.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { isBelow } from '../../domain/files/make-folders.js';
import { engineQueue } from '../../workflows/messages.js';
import { invalid } from '../command-line/errors.js';
import type { Session } from '../server/connect.js';
import { registeredProcesses, registerProcess, unregisterProcess } from '../server/state-folder.js';

/** Where a worker polls. */
type WorkerServer = Pick<WorkerFacts, 'address' | 'namespace' | 'prefix'>;

/** What a worker of this user on this machine serves, and what a run needs to be served. */
export interface WorkerFacts {
  /** `engine`, and names used in `runs-on`. */
  queues: readonly string[];
  /** `host:port` of its server. */
  address: string;
  namespace: string;
  /** Prefix of its task queues. Absent: the default prefix. */
  prefix?: string;
  /** Absolute paths of the packages and modules of external plugins. */
  plugins: readonly string[];
  /**
   * Absolute folders that it serves whoever may write there. Of a run: its work folder, if a worker of this
   * user would otherwise refuse it.
   */
  serve: readonly string[];
  /** GPUs that it assigns to steps, by UUID or index. Absent for a run, which needs no particular one. */
  gpus?: readonly string[];
}

/** Registers this process as a worker, for other commands of this user. */
export function registerWorker(facts: WorkerFacts): void {
  registerProcess('workers', facts);
}

export function unregisterWorker(): void {
  unregisterProcess('workers');
}

/**
 * Returns what a worker must serve to run a plan: the engine's queue and those of its steps, on the session's
 * server.
 * @throws PluginFault if a plugin of the plan is not installed
 */
export async function listNeeds(
  plan: Plan,
  { address, namespace }: Session,
  prefix?: string,
): Promise<WorkerFacts> {
  const queues = plan.stages.flatMap((stage) => stage.steps.map((step) => step.queue));
  return {
    queues: [...new Set(['engine', ...queues])],
    address,
    namespace,
    ...(prefix === undefined ? {} : { prefix }),
    plugins: pluginPaths(plan.plugins ?? [], plan.base),
    serve: (await isOwnFolder(plan.work)) ? [] : [plan.work],
  };
}

/** Whether workers started by other commands serve everything that is needed. */
export function othersServe({ queues, plugins, serve, ...server }: WorkerFacts): boolean {
  const fitting = workersOn(server).filter(
    (worker) =>
      plugins.every((path) => worker.plugins.includes(path)) && folderNotServed(worker, serve) === undefined,
  );
  return queues.every((queue) => fitting.some((worker) => worker.queues.includes(queue)));
}

/** Process ids of the workers of this user, on any server, that use one of these GPUs. */
export function workersOnGpus(gpus: readonly string[]): number[] {
  return registeredProcesses('workers').flatMap(({ pid, facts }) => {
    const { gpus: theirs = [] } = facts as Partial<WorkerFacts>;
    return pid !== process.pid && theirs.some((gpu) => gpus.includes(gpu)) ? [pid] : [];
  });
}

/** Whether a worker of this user serves the workflows of a server. */
export function hasEngineWorker(server: WorkerServer): boolean {
  return workersOn(server).some(({ queues }) => queues.includes('engine'));
}

/**
 * Returns the plugins of all workers on a server. A new worker needs them, because it also receives steps of
 * their runs.
 */
export function pluginsOn(server: WorkerServer): string[] {
  return [...new Set(workersOn(server).flatMap(({ plugins }) => plugins))];
}

/**
 * Refuses to run next to a worker without the run's plugins, or one that does not serve its work folder: it
 * would receive steps of the run and fail them.
 * @throws SamMilError InvalidInput if such a worker serves a queue that the run needs
 */
export function refuseWorkersWithout({ queues, plugins, serve, ...server }: WorkerFacts): void {
  for (const worker of workersOn(server)) {
    refuseWorkerOfOtherFolders(worker, serve, server.address);
    const missing = plugins.find((path) => !worker.plugins.includes(path));
    if (missing === undefined || !queues.some((queue) => queue !== 'engine' && worker.queues.includes(queue)))
      continue;
    throw invalid(
      `the worker with process id ${worker.pid} serves ${server.address} without the plugin ${missing}: it would receive steps of this run and fail them`,
      'wait until its command has ended, or restart the worker with this --plugin',
    );
  }
}

function refuseWorkerOfOtherFolders(
  worker: WorkerFacts & { pid: number },
  serve: readonly string[],
  address: string,
): void {
  const missing = folderNotServed(worker, serve);
  if (missing === undefined) return;
  throw invalid(
    `other accounts may write to ${missing}, and the worker with process id ${worker.pid} at ${address} was not told to serve it`,
    `wait until its command has ended, or restart the worker with --serve ${missing}`,
  );
}

function folderNotServed(worker: WorkerFacts, serve: readonly string[]): string | undefined {
  return serve.find((path) => !worker.serve.some((folder) => isBelow(folder, path)));
}

function workersOn({ address, namespace, prefix }: WorkerServer): (WorkerFacts & { pid: number })[] {
  return registeredProcesses('workers')
    .map(({ pid, facts }) => ({ ...NOTHING, ...(facts as Partial<WorkerFacts>), pid }))
    .filter(
      (worker) =>
        worker.address === address &&
        worker.namespace === namespace &&
        engineQueue(worker.prefix) === engineQueue(prefix),
    );
}

const NOTHING: WorkerFacts = { queues: [], address: '', namespace: '', plugins: [], serve: [] };
