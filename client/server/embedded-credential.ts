import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { TLSConfig } from '@temporalio/client';
import { ServerUnreachable } from '../command-line/errors.js';
import { stateFolder } from './state-folder.js';
import { faultOfMaterial } from './tls-material.js';

/** The name in the server's certificate, whatever address it is reached at. */
const SERVER_NAME = 'localhost';

/**
 * Connection options for the embedded server. Its program creates the files at its first start, readable for
 * their owner only. They are all that a client needs to act as the owner, and they also prove the server to
 * the client: another program on the port has no certificate of this authority.
 * @throws ServerUnreachable if a file is missing or damaged
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
        'stop the server with `npx sam-mil server --stop`; its next start creates a new credential',
        error,
      );
    }
  };
  const tls = {
    serverNameOverride: SERVER_NAME,
    serverRootCACertificate: read('ca.pem'),
    clientCertPair: { crt: read('client.pem'), key: read('client.key') },
  };
  refuseDamaged(tls, folder);
  return { address, tls };
}

/** Checked here, because the libraries that use the files report neither the file nor what to do. */
function refuseDamaged(tls: TLSConfig, folder: string): void {
  const fault = faultOfMaterial(tls);
  if (fault === undefined) return;
  throw new ServerUnreachable(
    `the credential of the embedded server in ${join(folder, 'tls')} is damaged: ${fault}`,
    'stop the server with `npx sam-mil server --stop`; its next start creates a new credential, and open runs continue',
  );
}
