import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { readEvents } from '../../domain/engine/store/run-events.js';
import { ended, startRun } from '../support/engine.js';
import { eventually, outputDigests, WorkerProcess } from '../support/processes.js';
import { realPlan } from '../support/real-plan.js';
import { TestServer } from '../support/server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { checkout } from '../support/fixtures.js';

/** Real steps on a few real slides, with extraction and training long enough to be killed there. */
const PIPELINE = `
pipeline: 1
name: kill
defaults: { heartbeat: 3s, retry: { max-attempts: 2, initial-interval: 100ms } }
stages:
  cohort:
    uses: pathology.assemble-cohort
    with: { patches: data/cohort, slides: 4, seed: 2021 }
  preprocess:
    needs: cohort
    foreach: { csv: "\${{ needs.cohort.outputs.table }}", as: slide, key: slide_id }
    max-parallel: 2
    steps:
      - id: patch
        uses: pathology.patch
        with: { slide: "\${{ slide.path }}", preset: bwh_biopsy, patch-size: 128 }
      - id: extract
        uses: pathology.extract
        with:
          slide: "\${{ slide.path }}"
          patches: "\${{ steps.patch.outputs.patches }}"
          encoder: efficientnet-lite0
          batch-size: 4
    outputs: { bag: "\${{ steps.extract.outputs.bag }}", label: "\${{ slide.label }}" }
  split:
    uses: mil.split
    needs: [cohort, preprocess]
    with:
      bags: "\${{ needs.preprocess.items }}"
      labels: "\${{ needs.cohort.outputs.table }}"
      folds: 2
      seed: 2021
  train:
    uses: mil.train-fold
    needs: [preprocess, split]
    matrix: { model: [abmil], fold: [0, 1] }
    max-parallel: 1
    with:
      bags: "\${{ needs.preprocess.items }}"
      splits: "\${{ needs.split.outputs.splits }}"
      model: "\${{ matrix.model }}"
      repeat: 0
      fold: "\${{ matrix.fold }}"
      epochs: 250
      save-every: 0.2
      seed: 2021
  evaluate:
    uses: mil.evaluate
    needs: [preprocess, split, train]
    matrix: { from: train }
    with:
      checkpoint: "\${{ needs.train.outputs.checkpoint }}"
      bags: "\${{ needs.preprocess.items }}"
      splits: "\${{ needs.split.outputs.splits }}"
`;

function planFor(work: string): Promise<Plan> {
  return realPlan(PIPELINE, { file: join(checkout, 'pipelines', 'kill.yaml'), cwd: work, work });
}

test('SIGKILL of worker, server and both in extraction and training leaves every output as in an undisturbed run', async (context) => {
  const server = await TestServer.start();
  context.after(() => server.stop());
  const worker = new WorkerProcess(['--concurrency', 'cpu=2'], server.environment);
  context.after(() => worker.kill());
  await worker.up();
  const connection = Connection.lazy(server.connection);
  context.after(() => connection.close());
  const client = new Client({ connection });

  const calm = temporaryFolder(context);
  const undisturbed = await ended(await startRun(client, await planFor(calm), { run: 'calm' }));
  assert.equal(undisturbed.state, 'done', undisturbed.message);

  const work = temporaryFolder(context);
  const handle = await startRun(client, await planFor(work), { run: 'disturbed' });
  let since = 0;
  const amid = async (step: string) => {
    await eventually(`in the middle of ${step}`, amidStep(work, step, since), 600_000);
    since = Date.now();
  };
  await amid('extract');
  await worker.kill();
  await worker.up();
  await amid('train');
  await worker.kill();
  await worker.up();
  await amid('train');
  await Promise.all([worker.kill(), server.kill()]);
  await server.up();
  await worker.up();
  await amid('train');
  await server.kill();
  await server.up();
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  assert.deepEqual(outputDigests(work), outputDigests(calm));
  const attempts = (await readEvents(work, 'disturbed')).filter(({ event }) => event === 'started');
  for (const step of ['extract', 'train']) {
    const own = attempts.filter((event) => event.step === step);
    const items = new Set(own.map(({ item }) => item));
    assert.ok(own.length > items.size, `${step} was cut off and began again`);
  }
});

/** Whether a step of this name has started after the last kill and has saved something since. */
function amidStep(work: string, step: string, since: number): () => boolean {
  return () => {
    const events = eventsNow(work).filter((event) => event.step === step && Date.parse(event.time) > since);
    const last = events.at(-1);
    if (last?.event !== 'started') return false;
    return checkpointTimes(work).some((time) => time > Date.parse(last.time));
  };
}

interface Event {
  event: string;
  step: string;
  time: string;
}

function eventsNow(work: string): Event[] {
  const folder = join(work, '.runs', 'disturbed', 'events');
  const lines = namesIn(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  return lines
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Event)
    .sort((a, b) => (a.time < b.time ? -1 : 1));
}

function checkpointTimes(work: string): number[] {
  const folder = join(work, '.checkpoints');
  return namesIn(folder).flatMap((name) => {
    const inner = join(folder, name);
    return namesIn(inner).map((file) => statSync(join(inner, file), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
