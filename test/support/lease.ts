import { takeLease, type Lease } from '../../domain/engine/store/lease.js';
import { makeRunsFolder } from '../../domain/engine/store/runs-folder.js';

/** Takes a work folder for a run of a server that is only a name. */
export async function leaseFor(work: string, run = 'run'): Promise<Lease> {
  await makeRunsFolder(work);
  return takeLease(work, {
    run,
    cluster: 'test',
    namespace: 'default',
    server: '127.0.0.1:1',
    host: 'host',
    user: 'user',
    since: new Date().toISOString(),
  });
}
