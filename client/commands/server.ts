import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { SamMilError } from '../../domain/errors.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';
import {
  joinEmbeddedServer,
  leaveEmbeddedServer,
  logPath,
  type EmbeddedServer,
} from '../server/embedded-server.js';
import { Interrupt } from '../command-line/interrupt.js';
import { parsePort } from '../command-line/options.js';

export function createCommand(): Command {
  return new Command('server')
    .description('Run the embedded Temporal server in the foreground (loopback only, history kept in a file)')
    .option('--port <port>', 'port for workers and clients (default: a free one)', parsePort)
    .option('--ui-port <port>', "port of Temporal's web page (default: a free one)", parsePort)
    .action(serve);
}

async function serve(options: { port?: number; uiPort?: number }): Promise<void> {
  const interrupt = new Interrupt();
  const { server, started } = await joinEmbeddedServer((line) => console.error(`  ${line}`), options);
  console.log(
    started ? `Temporal server ${server.version} is up` : 'the embedded Temporal server is up already',
  );
  console.log(`  address   ${server.address}`);
  console.log(`  web page  ${server.ui}`);
  console.log(`  database  ${server.database}`);
  console.log(`  log       ${logPath()}`);
  console.log(
    'Commands of this user find it by themselves. Ctrl-C stops it; open runs go on when it is up again.',
  );
  await Promise.race([interrupt.received, untilDead(server, interrupt.signal)]);
  interrupt.dispose();
  console.log('\nstopping');
  await leaveEmbeddedServer(true);
}

/** Throws when the server has ended by itself. The timer also keeps this process alive: signal handlers alone do not. */
async function untilDead(server: EmbeddedServer, aborted: AbortSignal): Promise<void> {
  while (!aborted.aborted) {
    await sleep(1000, undefined, { signal: aborted }).catch(() => undefined);
    if (aborted.aborted || isProcessAlive(server.pid)) continue;
    throw new SamMilError('Unavailable', 'the Temporal server has ended by itself', {
      file: logPath(),
      next: 'start it again; open runs go on',
    });
  }
}
