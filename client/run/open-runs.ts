import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { RunEntry } from './run-index.js';

/** What the server knows of a run. `gone`: it never heard of it, or its history is past its retention. */
export type ServerState = 'open' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'gone';

export async function serverStateOf(client: Client, run: string): Promise<ServerState> {
  try {
    const { status } = await client.workflow.getHandle(run).describe();
    switch (status.name) {
      case 'RUNNING':
        return 'open';
      case 'COMPLETED':
        return 'completed';
      case 'CANCELLED':
        return 'cancelled';
      case 'FAILED':
        return 'failed';
      default:
        return 'terminated';
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'gone';
    throw error;
  }
}

/** The open runs among some, in their order. Only the newest few are asked about. */
export async function openAmong(client: Client, entries: readonly RunEntry[]): Promise<RunEntry[]> {
  const newest = entries.slice(0, 20);
  const states = await Promise.all(newest.map((entry) => serverStateOf(client, entry.run)));
  return newest.filter((_, i) => states[i] === 'open');
}
