import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { executionFolder } from '../../../../domain/engine/store/paths.js';
import type { ItemRecord } from '../../../../domain/job.js';
import type { JsonObject } from '../../../../domain/json.js';
import { RandomStream } from '../../../../domain/random.js';
import type { ReportWith } from '../../../../domain/pipeline/report/parameters.js';
import { writePlan, writeReceipt } from '../../../support/records.js';
import { inputFile } from '../../mil/support.js';
import {
  checkpointDigest,
  fileRef,
  record,
  runPlan,
  slideName,
  writeEvaluations,
  writeRecords,
  writeRun,
  type Shape,
} from './support.js';

export const LARGE: Shape = {
  models: [
    'abmil',
    'transmil',
    'dsmil',
    'clam-sb',
    'dtfd',
    'mhim-mil',
    'mean-pooling',
    'sam-mil · encoder uni2-h · magnification 20 · without consistency loss',
    'sam-mil · encoder uni2-h · magnification 20 · with consistency loss and group features',
  ],
  repeats: 5,
  folds: 5,
  slides: 400,
  bootstrap: 50,
};

/** Writes everything that the report of a large study shows, pictures and training histories included. */
export async function writeLarge(work: string, run: string, shape: Shape = LARGE): Promise<ReportWith> {
  const evaluations = inputFile(writeEvaluations(work, shape));
  const names = Array.from({ length: shape.slides }, (_, i) => slideName(i));
  const slides = inputFile(writeRecords(work, 'slides.jsonl', await writePictures(work, 'preprocess', names, ['mask-image', 'stitch-image'], 900))); // prettier-ignore
  const heatmaps = inputFile(writeRecords(work, 'heatmaps.jsonl', await writePictures(work, 'heatmap', names, ['thumbnail', 'overlay', 'overlay-map'], 900))); // prettier-ignore
  writeRun(work, run);
  writeHistories(work, run, shape);
  return { evaluations, slides, heatmaps, groupBy: 'model', compare: 'all' };
}

/** Eight pictures of noise like tissue, as large as those of a step, each linked to many slides. */
async function writePictures(
  work: string,
  stage: string,
  keys: readonly string[],
  names: readonly string[],
  longest: number,
): Promise<ItemRecord[]> {
  const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => drawTissue(i, longest)));
  return keys.map((key, i) => {
    const outputs: JsonObject = {};
    for (const [n, name] of names.entries()) {
      const path = `${stage}/${name}/${key}.jpg`;
      write(join(work, path), pictures[(i + n) % pictures.length]);
      outputs[name] = fileRef(work, path);
    }
    const drawn: JsonObject = stage === 'heatmap' ? { score: 'attention', set: 'test', patches: 4000 } : {};
    return record(key, {}, { ...outputs, ...drawn });
  });
}

async function drawTissue(seed: number, longest: number): Promise<Buffer> {
  const random = new RandomStream('tissue', seed);
  const [width, height] = [60, 45];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [(Math.floor(i / 3) % width) / width - 0.5, Math.floor(i / 3 / width) / height - 0.5];
    const inside = x * x + y * y < 0.15 + 0.03 * Math.sin(6 * Math.atan2(y, x) + seed);
    return inside ? [205, 130, 180][i % 3] + 40 * (random.uniform() - 0.5) : 244;
  });
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(longest)
    .jpeg()
    .toBuffer();
}

function writeHistories(work: string, run: string, { models, repeats, folds }: Shape): void {
  const cells = models.flatMap((model) =>
    Array.from({ length: repeats * folds }, (_, i) => `${model}-${Math.floor(i / folds)}-${i % folds}`),
  );
  writePlan(run, runPlan(work, [{ name: 'train', steps: [{ uses: 'mil.train-fold', id: 'train' }] }]));
  for (const cell of cells) {
    const random = new RandomStream('history', cell);
    const lines = Array.from({ length: 200 }, (_, i) => {
      const loss = Math.exp(-i / 40) + 0.05 * random.uniform();
      const auc = 0.95 - 0.4 * Math.exp(-i / 25) + 0.03 * random.uniform();
      return [i + 1, 0.0002, loss, loss + i / 800, auc].join(',');
    });
    const path = `train/${cell}/history/${cell}.csv`;
    write(join(work, path), ['epoch,learning_rate,loss,val_loss,val_auc', ...lines, ''].join('\n'));
    const checkpoint = {
      path: `train/${cell}/${cell}.safetensors`,
      digest: checkpointDigest(cell),
      bytes: 1,
    };
    writeReceipt(
      work,
      { stage: 'train', item: cell, step: 'train' },
      { checkpoint, history: fileRef(work, path) },
      { memory: 9e8, devices: ['cpu'] },
    );
  }
  writeUsed(work, run, 'train', cells);
}

/** The list of receipts that a stage writes when it ends. */
export function writeUsed(work: string, run: string, stage: string, keys: readonly string[]): void {
  const lines = keys.map((key) => `${JSON.stringify({ key, steps: [stage] })}\n`);
  write(join(executionFolder(work, run, stage, 'one'), 'receipts.jsonl'), lines.join(''));
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
