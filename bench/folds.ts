/**
 * Percentage of the wall time of a cross-validation (3 times 3 folds through the engine, one fold at a time)
 * that is not spent in training steps: engine, start of the child process, loading TensorFlow, reading bags,
 * validation, saved states, checkpoints. Arguments: bags, epochs, and the number of folds (default: all
 * nine). A single fold of many epochs predicts a full run in less time.
 */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definition } from '../activities/mil/train-fold.js';
import { digestOf } from '../domain/digest.js';
import { writeFeatures } from '../domain/pathology/layouts/bag-files.js';
import type { Plan } from '../domain/engine/language/plan/plan.js';
import { formatSplits, type Splits } from '../domain/mil/split/splits.js';
import { RandomStream } from '../domain/random.js';
import { itemLogPath } from '../domain/engine/store/paths.js';
import { readEvents } from '../domain/engine/store/run-events.js';
import { planOf, stageIn, TestEngine } from '../test/support/engine.js';

const [count, epochs, folds = 9] = process.argv.slice(2).map(Number);
const DIM = 1024;
/**
 * Bags with a separate file. The other bags are links to these files: they take no disk space, but are read
 * and kept.
 */
const FILES = 20;

function writeBags(work: string): string[] {
  mkdirSync(join(work, 'bags'), { recursive: true });
  const keys = Array.from({ length: count }, (_, i) => `slide-${i}`);
  const digests: string[] = [];
  const lines = keys.map((key, i) => {
    const path = join(work, `bags/${key}.h5`);
    if (i >= FILES) {
      linkSync(join(work, `bags/slide-${i % FILES}.h5`), path);
    } else {
      writeBag(path, i);
      digests.push(digestOf(readFileSync(path)));
    }
    const bag = { path, digest: digests[i % FILES], bytes: 1 };
    return JSON.stringify({ key, fields: {}, status: 'done', outputs: { bag } });
  });
  writeFileSync(join(work, 'items.jsonl'), `${lines.join('\n')}\n`);
  return keys;
}

/** 2,000 to 8,000 instances. */
function writeBag(path: string, i: number): void {
  const rows = 2000 + Math.round((6000 * i) / (FILES - 1));
  const stream = new RandomStream('folds', i);
  const features = new Float32Array(rows * DIM);
  for (let j = 0; j < features.length; j++) features[j] = stream.nextUint32() / 2 ** 32 - 0.5;
  const coords = Int32Array.from({ length: rows * 2 }, (_, j) => j);
  writeFeatures(path, { features, dim: DIM, coords });
}

/** A tenth of the bags that are not tested is used for validation. */
function splitsOf(keys: readonly string[]): Splits {
  const folds = [0, 1, 2].map((fold) => {
    const rest = keys.filter((_, i) => i % 3 !== fold);
    const tenth = Math.ceil(rest.length / 10);
    const test = keys.filter((_, i) => i % 3 === fold);
    return { fold, train: rest.slice(tenth), val: rest.slice(0, tenth), test };
  });
  return {
    ...{ splits: 1, scheme: 'stratified', seed: 1, endpoint: 'classification', classes: ['a', 'b'] },
    labels: Object.fromEntries(keys.map((key, i) => [key, (i >> 1) % 2])),
    repeats: [0, 1, 2].map((repeat) => ({ repeat, seed: repeat, folds })),
  };
}

const cells = [0, 1, 2]
  .flatMap((repeat) => [0, 1, 2].map((fold) => ({ name: `${repeat}-${fold}`, repeat, fold })))
  .slice(0, folds);

function foldsPlan(work: string): Plan {
  const items = readFileSync(join(work, 'items.jsonl'));
  const parameters = {
    bags: { items: { path: 'items.jsonl', digest: digestOf(items), bytes: items.length }, count },
    splits: join(work, 'splits.json'),
    repeat: '${{ cell.repeat }}',
    fold: '${{ cell.fold }}',
    model: 'abmil',
    epochs,
  };
  const { name, version, queue, timeout, heartbeat } = definition;
  const step = { ...{ version, queue, timeout, heartbeat }, id: 'fold', uses: name, with: parameters };
  return planOf(
    work,
    [{ name: 'train', source: { kind: 'list', value: cells, as: 'cell' }, steps: [step] }],
    { onFailure: 'fail' },
  );
}

function secondsIn(what: 'steps' | 'validation' | 'all', work: string): number {
  const all = cells.map(({ name }) => {
    const log = readFileSync(itemLogPath(work, 'folds', 'train', name), 'utf8');
    const found = new RegExp(`"seconds-in-${what}":([\\d.]+)`).exec(log);
    if (!found) throw new Error(`the log of ${name} does not state how long its ${what} took`);
    return Number(found[1]);
  });
  return all.reduce((sum, seconds) => sum + seconds, 0);
}

/**
 * How often a fold was started, and the longest time in seconds without an active fold: they explain a large
 * share.
 */
async function attemptsOf(work: string): Promise<{ attempts: number; longest_gap: number }> {
  const events = await readEvents(work, 'folds');
  const times = events.map(({ time }) => Date.parse(time) / 1000);
  const gaps = events.map(({ event }, i) => (i > 0 && event === 'started' ? times[i] - times[i - 1] : 0));
  const attempts = events.filter(({ event }) => event === 'started').length;
  return { attempts, longest_gap: Math.max(...gaps) };
}

const work = mkdtempSync(join(tmpdir(), 'sam-mil-folds-'));
// Waiting for the engine does not keep the Node process alive.
const alive = setInterval(() => undefined, 1000);
const engine = await TestEngine.start({ concurrency: { gpu: 1 } });
try {
  writeFileSync(join(work, 'splits.json'), formatSplits(splitsOf(writeBags(work))));
  const began = performance.now();
  const status = await engine.finish(foldsPlan(work), { run: 'folds' });
  const seconds = (performance.now() - began) / 1000;
  const { done } = stageIn(status, 'train');
  if (done !== cells.length) throw new Error(`only ${done} folds finished: ${JSON.stringify(status)}`);
  const steps = secondsIn('steps', work);
  const validation = secondsIn('validation', work);
  const outside = (part: number) => 100 * (1 - part / seconds);
  const shares = { value: outside(steps), value_beside_validation: outside(steps + validation) };
  const parts = { seconds, steps, validation, in_children: secondsIn('all', work) };
  console.log(JSON.stringify({ ...shares, ...parts, ...(await attemptsOf(work)) }));
} finally {
  await engine.stop();
  clearInterval(alive);
  rmSync(work, { recursive: true, force: true });
}
