import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchCli } from '../../support/cli.js';
import { checkout } from '../../support/fixtures.js';
import { markEnvironment } from './process-table.js';

/** The pipeline that most trials disturb. */
export const TRIAL_PIPELINE = join(checkout, 'test', 'trials', 'trial.yaml');

/** Undisturbed runs of the trial pipeline, made when they are first needed. */
export class Reference {
  private readonly folder: string;
  private readonly mark: string;
  private readonly works = new Map<string, Promise<string>>();

  /** @param mark of the processes that make it */
  constructor(folder: string, mark: string) {
    this.folder = folder;
    this.mark = mark;
  }

  /** Work folder of a finished run with these `--set` values. It is shared: copy it before changing it. */
  work(...values: string[]): Promise<string> {
    const name = ['reference', ...values.map((value) => value.replace(/\W/g, '-'))].join('-');
    const known = this.works.get(name) ?? this.make(name, values);
    this.works.set(name, known);
    return known;
  }

  private async make(name: string, values: readonly string[]): Promise<string> {
    const folder = join(this.folder, name);
    const work = join(folder, 'work');
    mkdirSync(folder, { recursive: true });
    const args = ['run', TRIAL_PIPELINE, '--work', work, ...values.flatMap((value) => ['--set', value])];
    const { code, stdout, stderr } = await launchCli(folder, args, {
      environment: markEnvironment(`${this.mark}/reference`),
    }).ended;
    if (code !== 0) throw new Error(`the undisturbed run failed:\n${stdout}${stderr}`);
    return work;
  }
}
