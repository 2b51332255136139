import { throttled } from './throttled.js';
import type { ChildJob, ChildPlugin, FromChild, ToChild } from './messages.js';
import type { Registry } from '../define/registry.js';
import type { Job } from '../../domain/job.js';
import { refuseChangedCode } from '../plugins/guard-loads.js';
import { loadRegistry } from '../plugins/load-plugins.js';
import { dieWithParent } from '../../domain/machine/threads/die-with-parent.js';
import { readUsage, startUsage } from '../../domain/machine/usage.js';
import { encodeError } from '../../domain/machine/threads/wire-error.js';

/**
 * Entry point of a forked child, which runs one job at a time for its worker. Heavy libraries are loaded only
 * here, so that a crash in them does not take the worker down and a blocked thread does not delay heartbeats.
 * Argument: the external plugins, as JSON.
 */
const plugins = JSON.parse(process.argv[2]) as ChildPlugin[];
const registry = loadRegistry(plugins.map(({ path }) => path));
let current: AbortController | undefined;

/** More frequent progress is not useful and would fill the channel. */
const PROGRESS_EVERY_MS = 200;

/**
 * The digest of a plugin's code is part of cache keys: code edited after the worker started would write
 * receipts under the key of the old code.
 */
function refuseChangedPlugins({ external }: Registry): void {
  for (const { path, digest } of plugins) {
    refuseChangedCode(path, digest, external.find((plugin) => plugin.path === path)?.digest);
  }
}

function send(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

async function runJob(job: ChildJob): Promise<void> {
  const controller = new AbortController();
  current = controller;
  try {
    const loaded = await registry;
    refuseChangedPlugins(loaded);
    const definition = loaded.require(job.activity);
    const { run } = await definition.load();
    startUsage();
    const result = await run(liveJob(job, controller.signal));
    send({ type: 'result', result, rss: process.memoryUsage.rss(), usage: readUsage() });
  } catch (error) {
    send({ type: 'error', error: encodeError(error), rss: process.memoryUsage.rss() });
  } finally {
    current = undefined;
  }
}

function liveJob(job: ChildJob, signal: AbortSignal): Job {
  const { with: parameters, work, run, name, hidden, scratch, checkpoint } = job;
  return {
    with: parameters,
    work,
    run,
    name,
    hidden,
    scratch,
    checkpoint,
    signal,
    progress: throttled(PROGRESS_EVERY_MS, (report) => send({ type: 'progress', report })),
    log: (level, message, facts) => send({ type: 'log', level, message, facts }),
  };
}

process.on('message', (message: ToChild) => {
  if (message.type === 'run') void runJob(message.job);
  else current?.abort(new Error(message.reason));
});
process.on('disconnect', () => process.exit(0));
dieWithParent();
registry.then(
  () => send({ type: 'ready' }),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
