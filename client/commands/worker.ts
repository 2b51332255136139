import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
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
import { registerWorker, unregisterWorker } from '../run/registered-workers.js';

interface WorkerCommandOptions extends ServerChoice {
  queues: string[];
  concurrency: Record<string, number>;
  prefix?: string;
  plugin?: string[];
  grace?: number;
  setUp: boolean;
  serve?: string[];
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
        .default({}, 'cpu: half of the cores, at least 2; others: 1'),
    )
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

async function serve(session: Session, options: WorkerCommandOptions, interrupt: Interrupt): Promise<void> {
  const { startWorker } = await import('../../worker.js');
  const worker = await startWorker({
    connection: { ...session.connectionOptions, address: session.address },
    namespace: session.namespace,
    queues: options.queues,
    queuePrefix: options.prefix,
    concurrency: options.concurrency,
    plugins: options.plugin,
    serve: options.serve,
    ...(options.grace === undefined ? {} : { graceMs: options.grace * 1000 }),
  });
  const { address, namespace } = session;
  const { queues, prefix, serve = [] } = options;
  const folders = serve.map((folder) => resolve(folder));
  registerWorker({ queues, address, namespace, prefix, plugins: worker.plugins, serve: folders });
  console.log(`worker serves ${queues.join(', ')} at ${address}, namespace ${namespace}`);
  // If the command that forked this worker is gone, nothing else would ever stop the worker.
  const orphaned = new Promise<void>((done) => process.once('disconnect', done));
  try {
    await Promise.race([interrupt.received, orphaned, worker.ended]);
  } finally {
    unregisterWorker();
  }
  await worker.shutdown();
  if (process.connected) process.disconnect();
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
