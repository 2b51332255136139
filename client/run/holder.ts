import { hostname } from 'node:os';
import { SamMilError } from '../../domain/errors.js';
import {
  describeHolder,
  holderFault,
  readHolder,
  restoreLease,
  takeLease,
  type Holder,
  type Lease,
} from '../../domain/engine/store/lease.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';
import { userName } from '../../domain/machine/user-name.js';
import { machineIdentity } from '../../domain/machine/machine-identity.js';
import type { Session } from '../server/connect.js';
import { isKnownToBeGone, locateEmbeddedServer, recordPath } from '../server/embedded-server.js';
import { homeOfCopied } from './home.js';
import { hasRunRecord } from './run-index.js';

/**
 * The holder of a work folder, as a client of one server sees it. Runs on two servers know nothing of each
 * other, so a run of another server keeps the folder until it has ended, its server is known to be gone, or
 * the user says so. Callers hold the lock of the folder's runs.
 */
export class FolderHolder {
  private readonly work: string;
  private readonly session: Session;
  private readonly takeOver: boolean;
  private readonly say: (line: string) => void;

  /** @param takeOver take the folder from a run on another server */
  constructor(work: string, session: Session, takeOver: boolean, say: (line: string) => void) {
    this.work = work;
    this.session = session;
    this.takeOver = takeOver;
    this.say = say;
  }

  /** @throws SamMilError InvalidInput if a run on another server holds the folder */
  async requireFree(): Promise<void> {
    const holder = await readHolder(this.work);
    const fault = holder === undefined ? await holderFault(this.work) : undefined;
    if (fault !== undefined)
      this.say(`taking the work folder; the record of the run that held it is damaged: ${fault}`);
    if (holder === undefined || (await this.isOurs(holder)) || this.hasEnded(holder)) return;
    // The mark was copied together with the folder.
    if ((await homeOfCopied({ work: this.work, run: holder.run })) !== undefined) return;
    if (serverIsGone(holder)) {
      this.say(`taking the work folder from ${describeHolder(holder)}: that server has ended`);
      return;
    }
    if (this.takeOver) {
      this.say(`taking the work folder from ${describeHolder(holder)}: its steps publish nothing more`);
      return;
    }
    throw new SamMilError('InvalidInput', 'a run on another Temporal server uses the work folder', {
      file: this.work,
      found: describeHolder(holder),
      next: `${howToEnd(holder)}; if that server is gone for good, add --take-over`,
    });
  }

  /** Takes the folder for a run that starts. */
  async take(run: string): Promise<Lease> {
    const { session, work } = this;
    const server = session.kind === 'embedded' ? await locateEmbeddedServer() : undefined;
    return takeLease(work, {
      run,
      cluster: await this.cluster(),
      namespace: session.namespace,
      server: session.kind === 'embedded' ? 'embedded' : session.address,
      ...(server && { process: { pid: server.pid, machine: machineIdentity(), record: recordPath() } }),
      host: hostname(),
      user: userName(),
      since: new Date().toISOString(),
    });
  }

  /**
   * Whether an open run of this server still holds the folder at this path, so that it can continue. Repairs
   * its private folder.
   */
  async isHeldBy(run: string): Promise<boolean> {
    const holder = await readHolder(this.work);
    if (holder?.run !== run || holder.work !== this.work || !(await this.isOurs(holder))) return false;
    return restoreLease(this.work, holder);
  }

  private async isOurs({ cluster, namespace }: Holder): Promise<boolean> {
    return namespace === this.session.namespace && cluster === (await this.cluster());
  }

  private hasEnded({ run }: Holder): boolean {
    return hasRunRecord({ work: this.work, run });
  }

  private async cluster(): Promise<string> {
    const { clusterId } = await this.session.client.workflowService.getClusterInfo({});
    return clusterId;
  }
}

/** Only for an embedded server on this machine: another one may be unreachable from here and still run. */
export function serverIsGone({ process: server }: Holder): boolean {
  if (server === undefined || server.machine !== machineIdentity() || isProcessAlive(server.pid))
    return false;
  // A server that crashed continues its runs once a command of its user has restarted it.
  return server.record === undefined || isKnownToBeGone(server.record);
}

function howToEnd({ run, server, namespace, host, user }: Holder): string {
  const cancel = `npx sam-mil cancel ${run}`;
  if (server === 'embedded') return `wait until it ends, or \`${cancel}\` as ${user} on ${host}`;
  return `wait until it ends, or \`${cancel} --address ${server} --namespace ${namespace}\``;
}
