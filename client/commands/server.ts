import { Command } from 'commander';
import { joinEmbeddedServer, leaveEmbeddedServer, logPath } from '../embedded-server.js';
import { Interrupt } from '../interrupt.js';
import { parsePort } from '../options.js';

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
  await interrupt.signal;
  interrupt.dispose();
  console.log('\nstopping');
  await leaveEmbeddedServer(true);
}
