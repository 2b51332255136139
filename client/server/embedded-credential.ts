import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { TLSConfig } from '@temporalio/client';
import { ServerUnreachable } from '../command-line/errors.js';
import { stateFolder } from './state-folder.js';

/** The name in the server's certificate, whatever address it is reached at. */
const SERVER_NAME = 'localhost';

/**
 * Connection options for the embedded server. Its program creates the files at its first start, readable for
 * their owner only. They are all that a client needs to act as the owner, and they also prove the server to
 * the client: another program on the port has no certificate of this authority.
 * @throws ServerUnreachable if a file is missing
 */
export function embeddedConnection(
  address: string,
  folder = stateFolder(),
): ClientConnectConfig['connectionOptions'] & { address: string; tls: TLSConfig } {
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, 'tls', name));
    } catch (error) {
      throw new ServerUnreachable(
        `the credential of the embedded server cannot be read: ${(error as Error).message}`,
        'stop `npx sam-mil server` and the commands that use it, and start again',
        error,
      );
    }
  };
  return {
    address,
    tls: {
      serverNameOverride: SERVER_NAME,
      serverRootCACertificate: read('ca.pem'),
      clientCertPair: { crt: read('client.pem'), key: read('client.key') },
    },
  };
}
