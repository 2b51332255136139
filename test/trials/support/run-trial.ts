import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scene, type Session } from './scene.js';
import type { Trial } from './trial.js';

const LIMIT_SECONDS = 600;

export interface Outcome {
  name: string;
  verdict: 'holds' | 'fault' | 'skipped';
  seconds: number;
  counts: Readonly<Record<string, number>>;
  evidence: readonly string[];
  faults: readonly string[];
  /** Why it was skipped. */
  reason?: string;
  /** The scratch folder, kept after a fault. */
  folder?: string;
}

/** Runs a trial in a folder of its own and ends whatever it left running. */
export async function runTrial(trial: Trial, session: Session): Promise<Outcome> {
  const { name } = trial;
  const reason = process.platform === 'linux' ? trial.unavailable?.() : 'needs Linux (/proc)';
  if (reason !== undefined)
    return { name, verdict: 'skipped', seconds: 0, counts: {}, evidence: [], faults: [], reason };
  const started = Date.now();
  const scene = new Scene(session, name);
  try {
    await limited(trial, scene);
  } catch (error) {
    scene.expect(false, 'the trial comes to its end', (error as Error).message);
  } finally {
    await scene.close();
  }
  const { counts, evidence, faults, folder } = scene;
  const seconds = Math.round((Date.now() - started) / 1000);
  const verdict = faults.length === 0 ? 'holds' : 'fault';
  if (verdict === 'holds') rmSync(folder, { recursive: true, force: true });
  return { name, verdict, seconds, counts, evidence, faults, ...(verdict === 'fault' ? { folder } : {}) };
}

async function limited(trial: Trial, scene: Scene): Promise<void> {
  const { limit = LIMIT_SECONDS } = trial;
  const over = new AbortController();
  const tooLong = sleep(limit * 1000, undefined, { signal: over.signal }).then(
    () => Promise.reject(new Error(`did not end within ${limit} s`)),
    () => undefined,
  );
  try {
    await Promise.race([trial.run(scene), tooLong]);
  } finally {
    over.abort();
  }
}
