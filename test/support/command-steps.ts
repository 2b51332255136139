import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Attempt } from '../../activities/step/attempt.js';
import type { StepOutcome } from '../../activities/step/run-step.js';
import { SamMilError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import { StepChain, type ChainStep } from './step-chain.js';
import { temporaryFolder } from './temporary-folder.js';

/** Steps of `pipeline.command` in a work folder, and a folder beside it for scripts and inputs. */
export class CommandSteps {
  readonly chain: StepChain;
  /** Folder of scripts and inputs. */
  readonly folder: string;
  /** What was logged, without levels. */
  readonly logs: string[] = [];

  private constructor(chain: StepChain, folder: string) {
    this.chain = chain;
    this.folder = folder;
  }

  static async open(context: TestContext): Promise<CommandSteps> {
    const root = temporaryFolder(context);
    const [work, folder] = ['work folder', 'in put'].map((name) => join(root, name));
    mkdirSync(work);
    mkdirSync(folder);
    const chain = await StepChain.open(work);
    context.after(() => chain.engine.close());
    return new CommandSteps(chain, folder);
  }

  /** Writes a script or an input and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Absolute path of a published output. */
  output(...parts: string[]): string {
    return join(this.chain.work, ...parts);
  }

  run(
    given: JsonObject,
    step: Partial<ChainStep> = {},
    attempt: Partial<Attempt> = {},
  ): Promise<StepOutcome> {
    return this.chain.run({ uses: 'pipeline.command', stage: 'stage', with: given, ...step }, undefined, {
      onLog: (_level, message) => this.logs.push(message),
      ...attempt,
    });
  }

  /** Runs a script of a shell. */
  shell(command: string, given: JsonObject = {}, attempt: Partial<Attempt> = {}): Promise<StepOutcome> {
    return this.run({ command, shell: 'bash', ...given }, {}, attempt);
  }

  /** Runs a step that fails, and returns its error. */
  async failure(given: JsonObject): Promise<SamMilError> {
    return errorOf(this.run(given));
  }
}

export async function errorOf(running: Promise<unknown>): Promise<SamMilError> {
  const error: unknown = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SamMilError) return error;
  throw new Error(`expected a SamMilError, found ${String(error)}`);
}
