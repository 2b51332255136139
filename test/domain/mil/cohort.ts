import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../domain/digest.js';
import { writeFeatures, writeSamInfo } from '../../../domain/pathology/layouts/bag-files.js';
import type { InputFile, Job, Progress } from '../../../domain/job.js';
import { formatSplits, type Splits } from '../../../domain/mil/split/splits.js';
import type { TrainFoldWith } from '../../../domain/mil/train-fold/parameters.js';
import { RandomStream } from '../../../domain/random.js';

export interface Cohort {
  work: string;
  bags: InputFile;
  splits: InputFile;
  keys: string[];
}

const DIM = 24;

/**
 * A synthetic cohort that models can learn: in positive bags, a tenth of the instances is shifted along the
 * first feature. Every bag has regions of three sizes, patches outside all masks, and two group rows.
 */
export function makeCohort(folder: string, count = 20): Cohort {
  const work = join(folder, 'work');
  mkdirSync(join(work, 'bags'), { recursive: true });
  const keys = Array.from({ length: count }, (_, i) => `slide-${String(i).padStart(2, '0')}`);
  const lines = keys.map((key, i) => {
    writeBag(work, key, i % 2);
    const file = (path: string) => ({ path, digest: digestOf(readFileSync(join(work, path))), bytes: 1 });
    const outputs = { bag: file(`bags/${key}.h5`), 'sam-info': file(`bags/${key}.sam.h5`) };
    return JSON.stringify({ key, fields: {}, status: 'done', outputs });
  });
  const bags = join(work, 'items.jsonl');
  writeFileSync(bags, `${lines.join('\n')}\n`);
  const third = (rest: number) => keys.filter((_, i) => Math.floor(i / 2) % 5 === rest);
  const splits = join(work, 'splits.json');
  const fold = { fold: 0, train: [...third(0), ...third(1), ...third(2)], val: third(3), test: third(4) };
  writeFileSync(
    splits,
    formatSplits({
      splits: 1,
      scheme: 'stratified',
      seed: 2021,
      endpoint: 'classification',
      classes: ['normal', 'tumor'],
      labels: Object.fromEntries(keys.map((key, i) => [key, i % 2])),
      repeats: [
        {
          repeat: 0,
          seed: 2021,
          folds: [fold, { ...fold, fold: 1, val: [] }, { ...fold, fold: 2, val: fold.val.slice(0, 1) }],
        },
      ],
    }),
  );
  return {
    work,
    keys,
    bags: { path: bags, digest: 'sha256:bags', name: 'items' },
    splits: { path: splits, digest: 'sha256:splits', name: 'splits' },
  };
}

function writeBag(work: string, key: string, label: number): void {
  const stream = new RandomStream('cohort', key);
  const patches = 12 + stream.below(20);
  const rows = patches + 2;
  const features = Float32Array.from({ length: rows * DIM }, () => stream.normal() * 0.5);
  for (let row = 0; row < patches; row += 10) if (label === 1) features[row * DIM] += 4;
  const isGroup = Uint8Array.from({ length: rows }, (_, row) => (row < patches ? 0 : 1));
  const coords = Int32Array.from({ length: rows * 2 }, (_, i) => (i >> 1 < patches ? 256 * (i >> 1) : -1));
  const relativeArea = Float32Array.from(isGroup, (group, row) =>
    group ? 0 : [1, 900, 9000, 20_000][row % 4],
  );
  writeFeatures(join(work, 'bags', `${key}.h5`), { features, dim: DIM, coords });
  writeSamInfo(join(work, 'bags', `${key}.sam.h5`), { coords, isGroupFeat: isGroup, relativeArea });
}

/** The text of the same splits with training and test slides of every fold exchanged. */
export function exchangedSplits(text: string): string {
  const splits = JSON.parse(text) as Splits;
  for (const { folds } of splits.repeats) {
    for (const fold of folds) [fold.train, fold.test] = [fold.test, fold.train];
  }
  return formatSplits(splits);
}

/** Small and fast parameters, as the engine passes them. */
export function trainWith(cohort: Cohort, changes: Partial<TrainFoldWith> = {}): TrainFoldWith {
  return {
    bags: cohort.bags,
    splits: cohort.splits,
    repeat: 0,
    fold: 0,
    model: 'abmil',
    groupFeatures: true,
    epochs: 5,
    patience: 30,
    stopEpoch: 130,
    lr: 2e-3,
    weightDecay: 1e-5,
    optimizer: 'adam',
    beta2: 0.999,
    scheduler: 'cosine',
    seed: 7,
    dropout: 0.25,
    embedDim: 16,
    attentionDim: 8,
    select: 'best',
    validateOn: 'val',
    backend: 'tensorflow',
    saveEvery: 5,
    standardize: false,
    classWeights: 'off',
    checkpointFormat: 'safetensors',
    ...changes,
  };
}

export interface TestJob<With> extends Job<With> {
  reports: Progress[];
  warnings: string[];
}

/** A job with separate folders below `folder`. */
export function makeJob<With>(
  folder: string,
  work: string,
  parameters: With,
  signal?: AbortSignal,
): TestJob<With> {
  const paths = { scratch: join(folder, 'scratch'), checkpoint: join(folder, 'checkpoint') };
  Object.values(paths).forEach((path) => mkdirSync(path, { recursive: true }));
  const reports: Progress[] = [];
  const warnings: string[] = [];
  return {
    with: parameters,
    work,
    name: 'cell',
    ...paths,
    signal: signal ?? new AbortController().signal,
    progress: (report) => void reports.push(report),
    log: (level, message) => void (level === 'warn' && warnings.push(message)),
    reports,
    warnings,
  };
}
