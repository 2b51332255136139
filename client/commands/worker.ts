import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandPolicy } from '../../activities/step/served-folders.js';
import { chooseGpus, type GpuChoice } from '../../domain/machine/gpu/choose-gpus.js';
import { cudaName, nameGpus } from '../../domain/machine/gpu/gpu.js';
import { listGpus } from '../../domain/machine/gpu/nvidia-smi.js';
import type { RunningWorker } from '../../worker.js';
import { invalid } from '../command-line/errors.js';
import { openSession, type ServerChoice, type Session } from '../server/connect.js';
import { Interrupt } from '../command-line/interrupt.js';
import { pluginsNamedBy } from '../run/load-file.js';
import {
  addPluginOption,
  addPrefixOption,
  addServerOptions,
  collect,
  parseCount,
} from '../command-line/options.js';
import { setUpNatives, STEP_PARTS } from '../set-up/set-up-natives.js';
import { registerWorker, unregisterWorker, workersOnGpus } from '../run/registered-workers.js';

/** How often a worker looks whether its server has moved. */
const WATCH_MILLISECONDS = 3000;

interface WorkerCommandOptions extends ServerChoice {
  queues: string[];
  concurrency: Record<string, number>;
  gpus: GpuChoice;
  perGpu?: number;
  prefix?: string;
  plugin?: string[];
  grace?: number;
  setUp: boolean;
  serve?: string[];
  commands: CommandPolicy;
}

export function createCommand(): Command {
  const command = new Command('worker')
    .description('Run a worker on this machine: serve task queues until Ctrl-C')
    .argument('[files...]', 'pipeline files whose plugins are loaded too')
    .addOption(
      new Option('--queues <names>', 'comma-separated queues: engine (workflows) and names used in runs-on')
        .argParser(splitList)
        .default(['engine', 'cpu', 'gpu'], 'engine,cpu,gpu'),
    )
    .addOption(
      new Option('--concurrency <queue=n>', 'number of steps that run at once on a queue; repeatable')
        .argParser(concurrency)
        .default({}, 'cpu: half of the cores, at least 2; gpu: one per GPU; others: 1'),
    )
    .addOption(
      new Option('--gpus <list>', "GPUs for the steps, one per step: nvidia-smi's indexes or UUIDs, or all")
        .argParser(gpuChoice)
        .default('all'),
    )
    .option('--per-gpu <n>', 'number of steps that share a GPU (default: 1)', parsePositive)
    .option(
      '--grace <seconds>',
      'how long running steps may continue after Ctrl-C before they save and stop',
      parseCount,
    )
    .option(
      '--serve <folder>',
      'also carry out plans in work folders at or below this folder, whoever may write there; repeatable (default: only work folders that nobody else may write to)',
      collect,
    )
    .addOption(
      new Option(
        '--commands <whose>',
        'whose plans may run programs (pipeline.command): own, those in work folders that nobody else may write to; served, also those in --serve; none',
      )
        .choices(['own', 'served', 'none'])
        .default('own'),
    )
    .option(
      '--no-set-up',
      'do not download native parts (OpenSlide, TensorFlow, ONNX Runtime, weights) at startup',
    );
  return addPrefixOption(addPluginOption(addServerOptions(command))).action(work);
}

async function work(files: string[], options: WorkerCommandOptions): Promise<void> {
  const plugins = [...files.flatMap(pluginsNamedBy), ...(options.plugin ?? [])];
  const interrupt = new Interrupt(() => console.log('stopping: running steps save their progress'));
  const log = (line: string) => console.error(`  ${line}`);
  await refuseGpuOptions(options);
  if (options.setUp && options.queues.some((queue) => queue !== 'engine')) {
    await setUpNatives(STEP_PARTS, log);
  }
  // Joined before the worker connects, so that the embedded server runs for as long as the worker does.
  const session = await openSession(options, { start: true, log });
  try {
    await serve(session, { ...options, plugin: plugins }, interrupt);
  } finally {
    interrupt.dispose();
    await session.close();
  }
}

/** Serves until an interrupt, and again when the embedded server has moved to another address. */
async function serve(session: Session, options: WorkerCommandOptions, interrupt: Interrupt): Promise<void> {
  // If the command that forked this worker is gone, nothing else would ever stop the worker.
  const orphaned = new Promise<void>((done) => process.once('disconnect', done));
  const stopped = Promise.race([interrupt.received, orphaned]);
  while (await serveAtAddress(session, options, stopped))
    console.log(`the Temporal server is at ${session.address} now`);
  if (process.connected) process.disconnect();
}

/** Returns true if the server has moved, after the worker has shut down. */
async function serveAtAddress(
  session: Session,
  options: WorkerCommandOptions,
  stopped: Promise<void>,
): Promise<boolean> {
  const { startWorker } = await import('../../worker.js');
  const worker = await startWorker({
    connection: { ...session.connectionOptions, address: session.address },
    namespace: session.namespace,
    queues: options.queues,
    queuePrefix: options.prefix,
    concurrency: options.concurrency,
    gpus: options.gpus,
    perGpu: options.perGpu,
    plugins: options.plugin,
    serve: options.serve,
    commands: options.commands,
    ...(options.grace === undefined ? {} : { graceMs: options.grace * 1000 }),
  });
  const { address, namespace } = session;
  const { queues, prefix, serve = [] } = options;
  const folders = serve.map((folder) => resolve(folder));
  const gpus = worker.gpus.map(cudaName);
  for (const line of gpuLines(worker, options)) console.log(line);
  registerWorker({ queues, address, namespace, prefix, plugins: worker.plugins, serve: folders, gpus });
  console.log(`worker serves ${queues.join(', ')} at ${address}, namespace ${namespace}`);
  const watch = new AbortController();
  let moved = false;
  try {
    moved = await Promise.race([
      Promise.race([stopped, worker.ended]).then(() => false),
      untilMoved(session, watch.signal),
    ]);
  } finally {
    watch.abort();
    unregisterWorker();
  }
  await worker.shutdown();
  return moved;
}

/**
 * Checked before anything is downloaded or started.
 * @throws SamMilError InvalidInput for options that contradict each other or have no effect, and for a GPU
 * that does not exist
 */
async function refuseGpuOptions({ queues, gpus, perGpu, concurrency }: WorkerCommandOptions): Promise<void> {
  if ((gpus !== 'all' || perGpu !== undefined) && queues.every((queue) => queue === 'engine'))
    throw invalid(
      '--gpus and --per-gpu apply to steps, and the engine queue has none',
      'add gpu to --queues',
    );
  if (perGpu !== undefined && 'gpu' in concurrency)
    throw invalid('--per-gpu and --concurrency gpu=N contradict each other', 'keep one of the two options');
  if (gpus !== 'all') chooseGpus(await listGpus(), gpus);
}

/** What a worker says about its GPUs at its start. A machine that has none needs no line. */
function gpuLines({ gpus, gpuProblem }: RunningWorker, { perGpu = 1 }: WorkerCommandOptions): string[] {
  const shared = perGpu > 1 ? `, ${perGpu} steps on each` : '';
  const others = workersOnGpus(gpus.map(cudaName));
  return [
    ...(gpuProblem === undefined ? [] : [`warning: ${gpuProblem}`]),
    ...(gpus.length === 0 ? [] : [`steps use GPU ${nameGpus(gpus)}${shared}`]),
    ...others.map(
      (pid) =>
        `warning: the worker with process id ${pid} uses some of these GPUs too, and their steps share the memory; give each worker its own --gpus`,
    ),
  ];
}

/** Waits until the session has followed its server; only an embedded one moves. */
async function untilMoved(session: Session, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    await sleep(WATCH_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return false;
    if (await session.reconnect()) return true;
  }
}

function parsePositive(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number of at least 1');
}

function gpuChoice(text: string): GpuChoice {
  if (text.trim() === 'all') return 'all';
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.every((entry) => /^(\d+(:\d+)?|(GPU|MIG)-\S+)$/.test(entry))) return entries;
  throw new InvalidArgumentError('expected all, or indexes or UUIDs of GPUs, such as 0,1');
}

function splitList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('expected names separated by commas');
  return names;
}

function concurrency(text: string, previous: Record<string, number>): Record<string, number> {
  const match = /^([^=]+)=([1-9]\d*)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('expected QUEUE=N, such as cpu=4');
  return { ...previous, [match[1]]: Number(match[2]) };
}
