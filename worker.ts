import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  TransportError,
  Worker,
  type LogLevel,
  type NativeConnectionOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import { workflowBundle } from './activities/engine/workflow-bundle.js';
import type { PoolOptions } from './activities/child/pool.js';
import type { CommandPolicy } from './activities/step/served-folders.js';
import { EngineContext } from './activities/step/engine-context.js';
import { loadRegistry } from './activities/plugins/load-plugins.js';
import { enginePlugin, temporalPlugin } from './activities/worker-plugins.js';
import { SamMilError } from './domain/errors.js';
import { chooseGpus, type GpuChoice } from './domain/machine/gpu/choose-gpus.js';
import { GpuSlots } from './domain/machine/gpu/gpu-slots.js';
import type { Gpu } from './domain/machine/gpu/gpu.js';
import { listGpus } from './domain/machine/gpu/nvidia-smi.js';
import { sweepTemporaryFolder } from './domain/machine/temporary-folder.js';
import { DEFAULT_QUEUE_PREFIX, engineQueue, LONGEST_BEAT_MS, stepQueue } from './workflows/messages.js';

/**
 * The composition root: builds a worker from connection, plugins, queues and workflows. `sam-mil worker` runs
 * it as a process.
 */

export interface WorkerSettings {
  /** From Temporal's envconfig, or `{ address }`. */
  connection: NativeConnectionOptions;
  namespace?: string;
  /**
   * `engine` (workflows and their light activities) and the names used in `runs-on`. Default: engine, cpu,
   * gpu.
   */
  queues?: readonly string[];
  queuePrefix?: string;
  /**
   * Number of steps that run at once, by queue. Default: half the cores for cpu (at least 2), `perGpu` for
   * each GPU of gpu, 1 for any other.
   */
  concurrency?: Readonly<Record<string, number>>;
  /**
   * GPUs that steps of the gpu queue are assigned to, one per step, by index in nvidia-smi or UUID. Default:
   * all that are visible.
   */
  gpus?: GpuChoice;
  /** Number of steps that share a GPU. Default: 1. */
  perGpu?: number;
  /** External plugins: package names, or paths relative to the current folder. */
  plugins?: readonly string[];
  /**
   * How long steps continue after a shutdown request before they are stopped, in milliseconds. Default: 2000.
   */
  graceMs?: number;
  pool?: Omit<PoolOptions, 'plugins'>;
  /**
   * Folders, absolute or relative to the current folder. Plans in work folders at or below them are carried
   * out, whoever may write there. Default: only work folders that no other account may write to.
   */
  serve?: readonly string[];
  /**
   * Whose plans may run programs with `pipeline.command`, as the worker's account. `own`: those in work
   * folders that no other account may write to. `served`: also those in `serve`. `none`: nobody's. Default:
   * own.
   */
  commands?: CommandPolicy;
  /**
   * How long a run waits for a missing work folder before it is held, in milliseconds. Default: 10 minutes.
   */
  workFolderPatienceMs?: number;
  logLevel?: LogLevel;
}

export interface RunningWorker {
  /** Absolute paths of its external plugins. */
  readonly plugins: readonly string[];
  /** GPUs that it assigns to steps. */
  readonly gpus: readonly Gpu[];
  /** Why the machine's GPUs, or some of them, cannot be used. */
  readonly gpuProblem?: string;
  /** Resolves when the worker has shut down; rejects when it fails. */
  readonly ended: Promise<void>;
  /** Shuts down: lets running steps save their progress and waits for them. */
  shutdown(): Promise<void>;
}

const ENGINE = 'engine';
const GPU = 'gpu';
const DEFAULT_QUEUES = [ENGINE, 'cpu', 'gpu'];
const STOP_CHILD_MS = 20_000;

/**
 * Starts a worker. The promise resolves once the worker polls.
 * @throws SamMilError InvalidInput for an unusable plugin or a GPU that does not exist, ServerUnreachable if
 * the connection fails several times in a row
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  quietRuntime(settings.logLevel ?? 'WARN');
  await sweepTemporaryFolder();
  const registry = await loadRegistry(settings.plugins);
  const { slots, problem } = await findGpus(settings);
  const engine = new EngineContext(registry, {
    pool: { graceMs: STOP_CHILD_MS, ...settings.pool },
    serve: settings.serve,
    commands: settings.commands,
    patienceMs: settings.workFolderPatienceMs,
  });
  const connection = await connect(settings.connection);
  try {
    const workers = await createWorkers(settings, engine, connection, slots);
    const running = run(workers, engine, connection, slots);
    return { ...running, ...(problem !== undefined && { gpuProblem: problem }) };
  } catch (error) {
    await engine.close();
    await connection.close();
    throw error;
  }
}

/** No slots if the worker serves no steps or has no GPU: its steps then see what it sees. */
async function findGpus({
  queues = DEFAULT_QUEUES,
  gpus: choice = 'all',
  perGpu = 1,
  concurrency,
}: WorkerSettings): Promise<{ slots?: GpuSlots; problem?: string }> {
  if (queues.every((queue) => queue === ENGINE)) return {};
  const list = await listGpus();
  const gpus = chooseGpus(list, choice);
  const { problem } = list;
  if (gpus.length === 0) return { problem };
  // More steps than slots, on request, share the GPUs evenly.
  const shared = Math.ceil((concurrency?.[GPU] ?? 0) / gpus.length);
  return { slots: new GpuSlots(gpus, Math.max(perGpu, shared)), problem };
}

/** Waits between attempts to connect. A connection over a bad line may break before its first answer. */
const RECONNECT_MS = [500, 1000, 2000, 4000];

async function connect(options: NativeConnectionOptions): Promise<NativeConnection> {
  let last: Error | undefined;
  for (const wait of [...RECONNECT_MS, 0]) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      last = error;
    }
    await sleep(wait);
  }
  throw new SamMilError('ServerUnreachable', 'the worker cannot connect to the Temporal server', {
    expected: `a server at ${options.address ?? 'the default address'}`,
    found: last?.message,
    next: 'check the address, the network and the server, then start the worker again',
    cause: last,
  });
}

function run(
  workers: Worker[],
  engine: EngineContext,
  connection: NativeConnection,
  slots?: GpuSlots,
): RunningWorker {
  const shutdownAll = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runOne = (worker: Worker) =>
    worker.run().catch((error: unknown) => {
      shutdownAll();
      throw error;
    });
  const ended = Promise.allSettled(workers.map(runOne)).then(async (results) => {
    await engine.close();
    slots?.close();
    await connection.close();
    const broken = results.find((result) => result.status === 'rejected');
    if (broken) throw broken.reason;
  });
  return {
    plugins: engine.registry.external.map(({ path }) => path),
    gpus: slots?.gpus ?? [],
    ended,
    shutdown: async () => {
      shutdownAll();
      await ended;
    },
  };
}

async function createWorkers(
  settings: WorkerSettings,
  engine: EngineContext,
  connection: NativeConnection,
  slots?: GpuSlots,
): Promise<Worker[]> {
  const { namespace = 'default', queuePrefix = DEFAULT_QUEUE_PREFIX, graceMs = 2000 } = settings;
  const common: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    namespace,
    maxHeartbeatThrottleInterval: LONGEST_BEAT_MS,
    shutdownGraceTime: graceMs,
    // A step that does not stop is abandoned; its child process has been killed by then.
    shutdownForceTime: graceMs + STOP_CHILD_MS + 5000,
  };
  const workers: Worker[] = [];
  for (const queue of settings.queues ?? DEFAULT_QUEUES) {
    workers.push(
      await Worker.create(
        queue === ENGINE
          ? {
              ...common,
              taskQueue: engineQueue(queuePrefix),
              workflowBundle: { code: await workflowCode() },
              plugins: [enginePlugin(engine)],
              maxConcurrentActivityTaskExecutions: 20,
            }
          : {
              ...common,
              taskQueue: stepQueue(queue, queuePrefix),
              plugins: engine.registry.plugins.map((plugin) =>
                temporalPlugin(plugin, engine, slots && { slots, all: queue === GPU }),
              ),
              maxConcurrentActivityTaskExecutions:
                settings.concurrency?.[queue] ??
                (queue === GPU ? slots?.size : undefined) ??
                defaultConcurrency(queue),
            },
      ),
    );
  }
  return workers;
}

function defaultConcurrency(queue: string): number {
  return queue === 'cpu' ? Math.max(2, Math.floor(availableParallelism() / 2)) : 1;
}

let runtimeInstalled = false;

function quietRuntime(level: LogLevel): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({ logger: new DefaultLogger(level), shutdownSignals: [] });
}

const here = dirname(realpathSync(fileURLToPath(import.meta.url)));

/** Returns the workflows as one script, for workers of the engine queue. */
export function workflowCode(): Promise<string> {
  return workflowBundle(join(here, 'workflows', 'index.js'), join(here, '.bundles'));
}
