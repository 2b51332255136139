import type { Session } from '../server/connect.js';
import { othersServe, type WorkerFacts } from './registered-workers.js';

/**
 * The line about the server of a run and who works for it.
 * @param needs what a local worker serves; absent without one
 */
export function greeting(
  { kind, started, address, namespace }: Pick<Session, 'kind' | 'started' | 'address' | 'namespace'>,
  needs: WorkerFacts | undefined,
): string {
  const where =
    kind === 'embedded'
      ? `${started ? 'started the embedded Temporal server' : 'using the embedded Temporal server'} at ${address}`
      : `using the Temporal server at ${address}, namespace ${namespace}`;
  if (needs === undefined) return where;
  return othersServe(needs) ? `${where} and the worker that serves it` : `${where} and a local worker`;
}
