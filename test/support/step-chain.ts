import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineContext } from '../../activities/step/engine-context.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { Attempt } from '../../activities/step/attempt.js';
import { runStep, type StepOutcome } from '../../activities/step/run-step.js';
import { digestOf } from '../../domain/digest.js';
import type { Lease } from '../../domain/engine/store/lease.js';
import { planPath } from '../../domain/engine/store/paths.js';
import type { ItemRecord } from '../../domain/job.js';
import { jsonLines, type JsonObject } from '../../domain/json.js';
import { checkout } from './fixtures.js';
import { leaseFor } from './lease.js';

/** A step of the shipped activities and its parameters. */
export interface ChainStep {
  uses: string;
  stage: string;
  item?: string;
  with: JsonObject;
  stall?: string;
}

/** Runs steps of the shipped activities as a worker would, without Temporal. */
export class StepChain {
  readonly work: string;
  readonly engine: EngineContext;
  lease: Lease;

  private constructor(work: string, engine: EngineContext, lease: Lease) {
    this.work = work;
    this.engine = engine;
    this.lease = lease;
  }

  static async open(work: string): Promise<StepChain> {
    return new StepChain(work, await newEngine(), await leaseFor(work));
  }

  run(step: ChainStep, engine = this.engine, attempt: Partial<Attempt> = {}): Promise<StepOutcome> {
    const { uses, stage, item = stage, stall } = step;
    const input = {
      run: 'run',
      work: this.work,
      plan: { path: planPath(this.work, 'run'), digest: '' },
      lease: this.lease,
      base: join(checkout, 'pipelines'),
      stage,
      item,
      single: item === stage,
      step: 'step',
      folder: stage,
      with: step.with,
      force: false,
      stall,
    };
    return runStep(engine, engine.registry.require(uses), input, {
      number: 1,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onLog: () => undefined,
      ...attempt,
    });
  }

  /** The outputs of a step, which runs if it has not run yet. */
  async outputs(step: ChainStep): Promise<JsonObject> {
    return (await this.run(step)).receipt.outputs;
  }

  /** Writes an items file, as the end of a stage does, and returns the reference to it. */
  items(name: string, records: ItemRecord[]): JsonObject {
    const text = jsonLines(records);
    const path = `.runs/run/${name}.jsonl`;
    mkdirSync(join(this.work, '.runs', 'run'), { recursive: true });
    writeFileSync(join(this.work, path), text);
    const items = { path, digest: digestOf(text), bytes: Buffer.byteLength(text) };
    return { items, count: records.length };
  }
}

/** Another worker: its child processes are its own. */
export async function newEngine(): Promise<EngineContext> {
  return new EngineContext(await loadRegistry(), { pool: { graceMs: 300 } });
}
