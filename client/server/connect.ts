import { isDeepStrictEqual } from 'node:util';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { SetUpLog } from '../../domain/machine/cache-folder.js';
import { embeddedConnection } from './embedded-credential.js';
import {
  answers,
  hasCrashed,
  isEmbedded,
  joinEmbeddedServer,
  leaveEmbeddedServer,
  locateEmbeddedServer,
} from './embedded-server.js';
import { invalid, ServerUnreachable } from '../command-line/errors.js';
import { explainTls } from './tls-preflight.js';

/**
 * `--address`, `--namespace`, `--profile`. Absent values come from Temporal's environment variables and
 * configuration file.
 */
export interface ServerChoice {
  address?: string;
  namespace?: string;
  profile?: string;
  /** The embedded server, even if the environment names another one. */
  embedded?: boolean;
}

/** The chosen server, before connecting. */
export interface Target {
  /** `embedded`: the server of this user on this machine, used if no other server was specified. */
  kind: 'embedded' | 'given';
  /** Absent for an embedded server that is not running. */
  address?: string;
  namespace: string;
  connectionOptions: ClientConnectConfig['connectionOptions'];
}

export interface Session {
  readonly client: Client;
  readonly kind: Target['kind'];
  readonly address: string;
  readonly namespace: string;
  /** How another connection reaches the same server: address and credentials. */
  readonly connectionOptions: Target['connectionOptions'];
  /** Whether this session started the embedded server. */
  readonly started: boolean;
  /**
   * Follows the embedded server to another address or to renewed certificates after it was restarted, and
   * restarts it if it has crashed. Returns whether `client` and `connectionOptions` are new.
   */
  reconnect(): Promise<boolean>;
  /** Closes the connection and stops an embedded server that nobody else uses. */
  close(): Promise<void>;
}

const CONNECT_MILLISECONDS = 10_000;

/** @throws SamMilError InvalidInput for an unknown profile or an unreadable configuration file */
export async function chooseServer(choice: ServerChoice): Promise<Target> {
  const config = loadConfig(choice);
  const namespace = choice.namespace ?? config.namespace ?? 'default';
  const address = choice.embedded ? undefined : (choice.address ?? config.connectionOptions.address);
  if (address !== undefined) {
    // The worker of a command is told the address; the credential is in the state folder of the same user.
    const connectionOptions = isEmbedded(address)
      ? embeddedConnection(address)
      : { ...config.connectionOptions, address };
    return { kind: 'given', address, namespace, connectionOptions };
  }
  const running = await locateEmbeddedServer();
  if (running === undefined) return { kind: 'embedded', namespace, connectionOptions: {} };
  const connectionOptions = embeddedConnection(running.address);
  return { kind: 'embedded', address: running.address, namespace, connectionOptions };
}

function loadConfig(choice: ServerChoice): ClientConnectConfig {
  try {
    return loadClientConnectConfig({ profile: choice.profile });
  } catch (error) {
    throw invalid(
      `Temporal's configuration cannot be used: ${(error as Error).message}`,
      'see `temporal config list`, or correct TEMPORAL_PROFILE and TEMPORAL_CONFIG_FILE',
    );
  }
}

/**
 * Connects to the chosen server. `start` starts the embedded server if it is not running. Throws {@link
 * ServerUnreachable} with the reason: nothing listens, TLS failed and why, unknown namespace.
 */
export async function openSession(
  choice: ServerChoice,
  options: { start: boolean; log: SetUpLog },
): Promise<Session> {
  const target = await chooseServer(choice);
  if (target.kind === 'given') return connected(target, false);
  if (target.address === undefined && !options.start) {
    throw new ServerUnreachable(
      'no Temporal server: none was specified and the embedded server is not running',
      'start it with `npx sam-mil server` (`run` starts it automatically), or specify one with --address or --profile',
    );
  }
  const { server, started } = await joinEmbeddedServer(options.log);
  try {
    const { address } = server;
    return await connected({ ...target, address, connectionOptions: embeddedConnection(address) }, started);
  } catch (error) {
    await leaveEmbeddedServer();
    throw error;
  }
}

async function connected(target: Target, started: boolean): Promise<Session> {
  const { kind, namespace } = target;
  let address = withPort(target.address ?? '');
  let { connectionOptions } = target;
  let client = await openClient(address, target);
  const replaced: Client[] = [];
  return {
    get client() {
      return client;
    },
    get address() {
      return address;
    },
    kind,
    namespace,
    get connectionOptions() {
      return { ...connectionOptions, address };
    },
    started,
    reconnect: async () => {
      const found = kind === 'embedded' ? await findEmbeddedServer() : undefined;
      if (found === undefined || isDeepStrictEqual(found, connectionOptions)) return false;
      const moved = { ...target, connectionOptions: found };
      const next = await openClient(found.address, moved).catch(() => undefined);
      if (next === undefined) return false;
      // Not closed yet: a call that is still being retried there would throw where nobody can catch it.
      replaced.push(client);
      [client, address, connectionOptions] = [next, found.address, found];
      return true;
    },
    close: async () => {
      for (const one of [...replaced, client]) await one.connection.close();
      if (kind === 'embedded') await leaveEmbeddedServer();
    },
  };
}

async function openClient(address: string, target: Target): Promise<Client> {
  const { namespace } = target;
  const connection = await connect(target, address);
  try {
    await checkNamespace(connection, address, namespace);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new Client({ connection, namespace });
}

/**
 * Returns how to connect to the running embedded server; undefined if there is none. Restarts one that has
 * crashed, but not one that was stopped.
 */
async function findEmbeddedServer(): Promise<ReturnType<typeof embeddedConnection> | undefined> {
  try {
    const running = await locateEmbeddedServer();
    if (running !== undefined) return embeddedConnection(running.address);
    if (!hasCrashed()) return undefined;
    return embeddedConnection((await joinEmbeddedServer(() => undefined)).server.address);
  } catch {
    // The caller tries again.
    return undefined;
  }
}

async function connect({ kind, connectionOptions: options }: Target, address: string): Promise<Connection> {
  if (!(await answers(address))) {
    throw new ServerUnreachable(
      `no Temporal server answers at ${address}`,
      'start it, or correct --address, --profile or TEMPORAL_ADDRESS',
    );
  }
  const refuse = async () => {
    const reason = options.tls ? await explainTls(address, options.tls) : undefined;
    if (reason !== undefined) throw tlsFailure(kind, address, reason);
  };
  // The client reports a refused TLS connection only at its deadline, and without the reason. The embedded
  // server refuses no owner, so its connections need not wait for the answer.
  if (!isEmbedded(address)) await refuse();
  const connection = Connection.lazy({
    ...(options as ConnectionOptions),
    address,
    connectTimeout: CONNECT_MILLISECONDS,
  });
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    // Otherwise it would keep trying, and keep this process alive.
    await connection.close();
    await refuse();
    const hint = options.tls
      ? 'check the API key and the profile'
      : 'if the server requires TLS, use a profile that enables it; the embedded server of another account accepts only that account';
    throw new ServerUnreachable(
      `the Temporal server at ${address} did not accept the connection: ${(error as Error).message}`,
      hint,
      error,
    );
  }
}

function tlsFailure(kind: Target['kind'], address: string, reason: string): ServerUnreachable {
  return new ServerUnreachable(
    `TLS with the Temporal server at ${address} failed: ${reason}`,
    kind === 'given'
      ? 'correct the profile'
      : 'another program may use the port of the embedded server: stop `npx sam-mil server` and the commands that use it, and start again',
  );
}

async function checkNamespace(connection: Connection, address: string, namespace: string): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CONNECT_MILLISECONDS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    throw new ServerUnreachable(
      `the namespace "${namespace}" of the Temporal server at ${address} cannot be used: ${(error as Error).message}`,
      'correct --namespace, or create it with `temporal operator namespace create`',
      error,
    );
  }
}

function withPort(address: string): string {
  return /:\d+$/.test(address) ? address : `${address}:7233`;
}
