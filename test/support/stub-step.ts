import { EngineContext } from '../../activities/step/engine-context.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { Attempt } from '../../activities/step/attempt.js';
import { runStep, type StepOutcome } from '../../activities/step/run-step.js';
import type { StepInput } from '../../domain/engine/item/step-input.js';
import { planPath } from '../../domain/engine/store/paths.js';
import type { Lease } from '../../domain/engine/store/lease.js';
import { STUB_PLUGIN } from './engine.js';
import { leaseFor } from './lease.js';

/** Runs steps of the stub plugin as a worker would, without Temporal. */
export class StubSteps {
  readonly engine: EngineContext;
  readonly lease: Lease;
  private readonly work: string;

  private constructor(engine: EngineContext, work: string, lease: Lease) {
    this.engine = engine;
    this.lease = lease;
    this.work = work;
  }

  static async open(work: string): Promise<StubSteps> {
    const registry = await loadRegistry([STUB_PLUGIN]);
    const engine = new EngineContext(registry, { pool: { graceMs: 300 } });
    return new StubSteps(engine, work, await leaseFor(work));
  }

  run(uses: string, parts: Partial<StepInput> = {}, attempt: Partial<Attempt> = {}): Promise<StepOutcome> {
    const definition = this.engine.registry.require(uses);
    const input: StepInput = {
      run: 'run',
      work: this.work,
      plan: { path: planPath(this.work, 'run'), digest: '' },
      lease: this.lease,
      base: this.work,
      stage: 'stage',
      item: 'item',
      single: false,
      step: 'step',
      folder: parts.stage ?? 'stage',
      with: {},
      force: false,
      ...parts,
    };
    return runStep(this.engine, definition, input, {
      number: 1,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onLog: () => undefined,
      ...attempt,
    });
  }
}
