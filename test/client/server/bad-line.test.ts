import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSession } from '../../../client/server/connect.js';
import { SamMilError } from '../../../domain/errors.js';
import { startWorker } from '../../../worker.js';
import { Relay } from '../../support/relay.js';
import { freePort, TestServer } from '../../support/server.js';
import { setVariables } from '../../support/variables.js';

let server: TestServer;
let relay: Relay;
before(async () => {
  server = await TestServer.start();
  const [host, port] = server.address.split(':');
  relay = await Relay.open({ host, port: Number(port) });
});
after(async () => {
  relay?.close();
  await server?.stop();
});

const throughRelay = () => ({ ...server.connection, address: `127.0.0.1:${relay.port}` });

test('a worker starts although the line breaks its first connections', async () => {
  relay.refusals = 2;
  const worker = await startWorker({ connection: throughRelay(), queues: ['cpu'] });
  assert.equal(relay.refusals, 0);
  await worker.shutdown();
});

test('a client connects although the line breaks its first connections', async (context) => {
  setVariables(context, server.environment);
  relay.refusals = 3;
  const { address } = throughRelay();
  const session = await openSession({ address }, { start: false, log: () => undefined });
  assert.equal(relay.refusals, 0);
  await session.close();
});

test('a worker that reaches no server names the address', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await assert.rejects(
    startWorker({ connection: { ...server.connection, address }, queues: ['cpu'] }),
    (error) => {
      assert.ok(error instanceof SamMilError);
      assert.equal(error.code, 'ServerUnreachable');
      assert.match(error.message, new RegExp(address));
      return true;
    },
  );
});
