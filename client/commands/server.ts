import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { SamMilError } from '../../domain/errors.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';
import {
  joinEmbeddedServer,
  leaveEmbeddedServer,
  logPath,
  profilePath,
  type EmbeddedServer,
  type Ports,
} from '../server/embedded-server.js';
import { Interrupt } from '../command-line/interrupt.js';
import { parsePort } from '../command-line/options.js';

export function createCommand(): Command {
  return new Command('server')
    .description('Run the embedded Temporal server in the foreground (loopback only, history kept in a file)')
    .option('--port <port>', 'port for workers and clients (default: a free port)', parsePort)
    .option('--ui-port <port>', "port of Temporal's Web UI (default: a free port)", parsePort)
    .option(
      '--stop',
      'stop the running server, also if commands use it; open runs continue when it is started again',
    )
    .action((options: Ports & { stop?: boolean }) => (options.stop ? stop() : serve(options)));
}

async function stop(): Promise<void> {
  console.log((await leaveEmbeddedServer(true)) ? 'stopped' : 'the embedded Temporal server is not running');
}

async function serve(options: Ports): Promise<void> {
  const interrupt = new Interrupt();
  const { server, started } = await joinEmbeddedServer((line) => console.error(`  ${line}`), options);
  console.log(
    started
      ? `Temporal server ${server.version} is running`
      : 'the embedded Temporal server is already running',
  );
  console.log(`  address   ${server.address}`);
  console.log(`  Web UI    ${server.ui}`);
  console.log(`  database  ${server.database}`);
  console.log(`  log       ${logPath()}`);
  console.log(`  profile   ${profilePath()}`);
  console.log(`Your commands find it automatically. ${started ? STARTED : FOUND}`);
  await Promise.race([interrupt.received, untilDead(server, interrupt.signal)]);
  interrupt.dispose();
  // Whoever only found the server must not take it from the command that started it.
  const stopped = await leaveEmbeddedServer(started);
  console.log(stopped ? '\nstopped' : '\nleft; the server continues for the commands that use it');
}

const STARTED = 'Ctrl-C stops it; open runs continue when it is started again.';
const FOUND =
  'It runs until Ctrl-C here and the end of every other command that uses it; `npx sam-mil server --stop` stops it now.';

/**
 * Throws if the server stops unexpectedly. The timer also keeps this process alive; signal handlers alone do
 * not.
 */
async function untilDead(server: EmbeddedServer, aborted: AbortSignal): Promise<void> {
  while (!aborted.aborted) {
    await sleep(1000, undefined, { signal: aborted }).catch(() => undefined);
    if (aborted.aborted || isProcessAlive(server.pid)) continue;
    throw new SamMilError('Unavailable', 'the Temporal server stopped unexpectedly', {
      file: logPath(),
      next: 'start it again; open runs continue',
    });
  }
}
