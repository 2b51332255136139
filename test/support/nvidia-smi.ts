import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './processes.js';
import { temporaryFolder } from './temporary-folder.js';
import { setVariables } from './variables.js';

/** What the stand-in prints. */
export interface SmiAnswers {
  /** Lines of the query of all GPUs. */
  gpus?: readonly string[];
  /** Printed instead of the GPUs, with exit code 9. */
  error?: string;
  /** Never ends. Starts a program that keeps its output open, as a shell script does. */
  hangs?: boolean;
  /** Lines of `nvidia-smi -L`. */
  list?: readonly string[];
}

export const UUIDS = ['11111111', '22222222', '33333333', '44444444'].map(
  (start) => `GPU-${start}-aaaa-bbbb-cccc-dddddddddddd`,
);

/** A line of the query for an H100. */
export function gpuLine(
  index: number,
  facts: { memory?: string; driver?: string; name?: string } = {},
): string {
  const { memory = '81559', driver = '580.82.07', name = 'NVIDIA H100 80GB HBM3' } = facts;
  return [index, UUIDS[index], name, memory, driver].join(', ');
}

/** A folder with a program called nvidia-smi, and the files that it repeats while it measures. */
export class StandInSmi {
  /** To be put on PATH. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static write(folder: string, { gpus = [], error, hangs, list = [] }: SmiAnswers): StandInSmi {
    mkdirSync(folder, { recursive: true });
    const print = (lines: readonly string[]) => lines.map((line) => `echo '${line}'`).join('\n') || ':';
    const answer = hangs
      ? 'sleep 20'
      : error === undefined
        ? print(gpus)
        : `${print(error.split('\n'))}\nexit 9`;
    const script = `#!/bin/sh
case "$*" in
  *-L*) ${print(list)} ;;
  *query-compute-apps*) while cat '${folder}/apps' 2>&-; do : > '${folder}/told-apps'; sleep 0.05; done ;;
  *-lms*) while cat '${folder}/samples' 2>&-; do : > '${folder}/told-samples'; sleep 0.05; done ;;
  *) ${answer} ;;
esac
`;
    writeFileSync(join(folder, 'nvidia-smi'), script, { mode: 0o755 });
    const smi = new StandInSmi(folder);
    smi.measures([], []);
    return smi;
  }

  /** For {@link SmiAnswers}; this process and its children find the program until the test ends. */
  static install(context: TestContext, answers: SmiAnswers): StandInSmi {
    const smi = StandInSmi.write(join(temporaryFolder(context), 'bin'), answers);
    setVariables(context, { PATH: smi.path, CUDA_VISIBLE_DEVICES: undefined });
    return smi;
  }

  get path(): string {
    return `${this.folder}${delimiter}${process.env.PATH}`;
  }

  /** From now on, prints these lines again and again: of GPUs, and of processes on them. */
  measures(samples: readonly string[], apps: readonly string[]): void {
    for (const [name, lines] of Object.entries({ samples, apps })) {
      const path = join(this.folder, name);
      writeFileSync(`${path}.new`, lines.map((line) => `${line}\n`).join(''));
      renameSync(`${path}.new`, path);
    }
  }

  /** Waits until a running stand-in has printed its present lines, and its reader has had time to read. */
  async told(): Promise<void> {
    const marks = ['told-samples', 'told-apps'].map((name) => join(this.folder, name));
    for (let round = 0; round < 3; round++) {
      marks.forEach((path) => rmSync(path, { force: true }));
      await eventually('nvidia-smi has printed its lines', () => marks.every((path) => existsSync(path)));
    }
  }
}
