import { EngineContext } from '../../activities/step/engine-context.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { runStep, type Attempt, type StepOutcome } from '../../activities/step/run-step.js';
import type { StepInput } from '../../domain/engine/item/step-input.js';
import { STUB_PLUGIN } from './engine.js';

/** Runs steps of the stub plugin as a worker would, without Temporal. */
export class StubSteps {
  readonly engine: EngineContext;
  private readonly work: string;

  private constructor(engine: EngineContext, work: string) {
    this.engine = engine;
    this.work = work;
  }

  static async open(work: string): Promise<StubSteps> {
    const registry = await loadRegistry([STUB_PLUGIN]);
    return new StubSteps(new EngineContext(registry, { graceMs: 300 }), work);
  }

  run(uses: string, parts: Partial<StepInput> = {}, attempt: Partial<Attempt> = {}): Promise<StepOutcome> {
    const definition = this.engine.registry.require(uses);
    const input: StepInput = {
      run: 'run',
      work: this.work,
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
