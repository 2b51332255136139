import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { digestOf } from '../../../../domain/digest.js';
import type { Plan } from '../../../../domain/engine/language/plan/plan.js';
import { lockPath } from '../../../../domain/engine/store/paths.js';
import { LOCK_RECORD } from '../../../../domain/engine/store/run-records.js';
import type { FileRef, ItemRecord } from '../../../../domain/job.js';
import type { JsonObject } from '../../../../domain/json.js';
import type { Prediction } from '../../../../domain/mil/evaluate/evaluate-predictions.js';
import { writeEvaluation } from '../../../../domain/mil/evaluate/evaluation-files.js';
import { RandomStream } from '../../../../domain/random.js';
import type { RunEvent } from '../../../../domain/engine/store/run-events.js';
import { planOf } from '../../../support/engine.js';
import { writePlan } from '../../../support/records.js';

export const MODELS = ['abmil', 'sam-mil'];

/** Evaluations to write. The classes of the first model are `skill` standard deviations apart, and so on. */
export interface Shape {
  models: readonly string[];
  repeats: number;
  folds: number;
  slides: number;
  bootstrap: number;
}

const SMALL: Shape = { models: MODELS, repeats: 3, folds: 3, slides: 24, bootstrap: 20 };

/**
 * Synthetic scores of one model for all slides of a repeat, with the classes `skill` standard deviations
 * apart. A part of each score belongs to the slide, so that the models find the same slides difficult.
 */
function scoreSlides(model: string, repeat: number, skill: number, slides: number): Prediction[] {
  const random = new RandomStream('report-test', model, repeat);
  const difficulty = new RandomStream('report-test', 'slides');
  return Array.from({ length: slides }, (_, i) => {
    const label = i % 2;
    const noise = 0.6 * difficulty.normal() + 0.8 * random.normal();
    const score = 1 / (1 + Math.exp(-(noise + (label - 0.5) * skill)));
    return { key: slideName(i), label, probabilities: [1 - score, score] };
  });
}

export function slideName(i: number): string {
  return `slide_${String(i).padStart(3, '0')}`;
}

/**
 * Evaluations of 2 models x 3 repeats x 3 folds, or of another shape, as a mil.evaluate stage writes them;
 * returns the items file.
 */
export function writeEvaluations(work: string, shape: Shape = SMALL): string {
  const records: ItemRecord[] = [];
  for (const [m, model] of shape.models.entries()) {
    for (let repeat = 0; repeat < shape.repeats; repeat++) {
      const all = scoreSlides(model, repeat, 1.6 + (2 * m) / shape.models.length, shape.slides);
      for (let fold = 0; fold < shape.folds; fold++) {
        records.push(writeFold(work, { model, repeat, fold, all }, shape));
      }
    }
  }
  records.push({
    ...record(`abmil-${shape.repeats}-0`, { model: 'abmil', repeat: shape.repeats, fold: 0 }, {}),
    status: 'failed',
    reason: 'crashed; found <out of memory>',
    error: { code: 'ChildCrashed', what: 'crashed', facts: { found: '<out of memory>' } },
  });
  return writeRecords(work, 'evaluate.jsonl', records);
}

interface FoldScores {
  model: string;
  repeat: number;
  fold: number;
  all: readonly Prediction[];
}

export function checkpointDigest(cell: string): string {
  return digestOf(`checkpoint ${cell}`);
}

export const SPLITS_DIGEST = digestOf('splits');

function writeFold(
  work: string,
  { model, repeat, fold, all }: FoldScores,
  { folds, bootstrap }: Shape,
): ItemRecord {
  const cell = `${model}-${repeat}-${fold}`;
  const folder = join(work, 'evaluate', cell);
  const scored = all.filter((_, i) => (i >> 1) % folds === fold);
  const validation = all.filter((_, i) => (i >> 1) % folds === (fold + 1) % folds);
  const facts = {
    cell,
    model,
    repeat,
    fold,
    seed: 2021 + repeat,
    set: 'test' as const,
    level: 'slide' as const,
    classes: ['normal', 'tumor'],
    protocol: 'honest' as const,
    selection: { epoch: 12 + fold, by: 'best AUC on validation', optimistic: false },
    training: { versions: { tensorflow: '2.99.0' }, backend: 'test' },
    sources: { checkpoint: checkpointDigest(cell), splits: SPLITS_DIGEST },
  };
  mkdirSync(folder, { recursive: true });
  const result = writeEvaluation(
    folder,
    facts,
    { scored, validation },
    { threshold: 'validation', bootstrap },
  );
  const files = Object.entries(result.files).map(([name, { to }]) => [
    name,
    fileRef(work, `evaluate/${cell}/${to}`),
  ]);
  return record(cell, { model, repeat, fold }, {
    ...Object.fromEntries(files),
    ...result.values,
  } as JsonObject);
}

export function record(key: string, fields: JsonObject, outputs: JsonObject): ItemRecord {
  return { key, fields, status: 'done', outputs };
}

export function fileRef(work: string, path: string): FileRef & JsonObject {
  const absolute = join(work, path);
  return { path, digest: digestOf(readFileSync(absolute)), bytes: statSync(absolute).size };
}

export function writeRecords(work: string, name: string, records: readonly ItemRecord[]): string {
  const path = join(work, name);
  writeFileSync(path, records.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

export async function writePicture(work: string, path: string, color: string): Promise<FileRef & JsonObject> {
  mkdirSync(dirname(join(work, path)), { recursive: true });
  await sharp({ create: { width: 320, height: 240, channels: 3, background: color } })
    .jpeg()
    .toFile(join(work, path));
  return fileRef(work, path);
}

/** Writes heatmap items with pictures: slides with and without a lesion, in different sets. */
export async function writeHeatmaps(work: string): Promise<string> {
  const records: ItemRecord[] = [];
  for (const [i, set] of (['train', 'test', 'test', 'val'] as const).entries()) {
    const key = `slide_00${i}`;
    const outputs: JsonObject = { score: 'attention', set, patches: 64 };
    for (const [name, color] of [
      ['thumbnail', '#e8d0e0'],
      ['overlay', '#60d0e0'],
      ['overlay-map', '#8060a0'],
    ]) {
      outputs[name] = await writePicture(work, `heatmap/${key}/${name}.jpg`, color);
    }
    outputs['lesion-auc'] = i % 2 === 1 ? 0.7 + i / 20 : null;
    if (i % 2 === 1) outputs.annotated = { counted: { 'Tumor: Positive': 2 }, 'left-out': { Stroma: 1 } };
    records.push(record(key, { label: i % 2 }, outputs));
  }
  return writeRecords(work, 'heatmap.jsonl', records);
}

/** The plan of {@link writeRun}, with these stages. */
export function runPlan(work: string, stages: Parameters<typeof planOf>[1] = []): Plan {
  return planOf(work, stages, {
    name: 'quickstart',
    description: 'A description with <angle brackets> & "quotes"',
    source: { path: '/somewhere/quickstart.yaml', digest: digestOf('pipeline') },
    params: { seed: 2021, models: MODELS, note: '</script><img src=x onerror=alert(1)>' },
  });
}

/** Writes a run record: the plan, and events of two workers with a failure, a kill and up-to-date steps. */
export function writeRun(work: string, run: string): void {
  const folder = join(work, '.runs', run);
  mkdirSync(join(folder, 'events'), { recursive: true });
  writePlan(run, runPlan(work));
  const encoder = { name: 'some-encoder', version: 3, weightsDigest: digestOf('weights') };
  const lock = {
    lock: 1,
    run,
    pipeline: 'quickstart',
    params: {},
    engine: '9.8.7',
    header: { git: 'c0ffee' },
    activities: { planned: {}, worker: { 'mil.split': 4 } },
    weights: { 'preprocess.extract': { encoder, slide: {} } },
  };
  writeFileSync(lockPath(work, run), LOCK_RECORD.text(lock));
  const events: RunEvent[] = [];
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  const add = (
    second: number,
    stage: string,
    item: string,
    event: RunEvent['event'],
    extra: Partial<RunEvent> = {},
  ) =>
    events.push({
      time: at(second),
      stage,
      item,
      step: 'extract',
      attempt: 1,
      event,
      host: 'node-a',
      pid: 7,
      ...extra,
    });
  for (let i = 0; i < 4; i++) {
    add(i * 10, 'preprocess', `slide_00${i}`, 'started');
    add(i * 10 + 15, 'preprocess', `slide_00${i}`, 'done', { seconds: 15 });
  }
  add(60, 'preprocess', 'blank', 'started');
  add(61, 'preprocess', 'blank', 'skipped', { seconds: 1, message: 'no_tissue' });
  add(70, 'train', 'abmil-0-0', 'started');
  add(80, 'train', 'abmil-0-0', 'started', { attempt: 2, host: 'node-b' });
  add(90, 'train', 'abmil-0-0', 'failed', {
    attempt: 2,
    host: 'node-b',
    seconds: 10,
    error: { code: 'ChildCrashed', what: 'gone', facts: {} },
  });
  add(91, 'train', 'abmil-0-0', 'started', { attempt: 3 });
  add(120, 'train', 'abmil-0-0', 'done', { attempt: 3, seconds: 29 });
  add(121, 'split', 'split', 'cached');
  add(3900, 'train', 'abmil-0-1', 'started');
  add(3960, 'train', 'abmil-0-1', 'done', { seconds: 60 });
  add(4000, 'report', 'report', 'started');
  writeFileSync(
    join(folder, 'events', 'a.jsonl'),
    events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  );
}
