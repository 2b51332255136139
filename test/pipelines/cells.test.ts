import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readEvents } from '../../domain/engine/store/run-events.js';
import { TestEngine } from '../support/engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { planShipped, runShipped } from './run-shipped.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 2 } });
});
after(() => engine?.stop());

const SMALL = { slides: '6', repeats: '1', folds: '2', epochs: '2', magnifications: '20' };

test('encoders of one study are compared in one report, and another encoder adds only its own work', async (context) => {
  const work = temporaryFolder(context);
  const made = async (run: string) => {
    const events = (await readEvents(work, run)).filter(({ event }) => event === 'done');
    const counts: Record<string, number> = {};
    for (const { stage } of events) counts[stage] = (counts[stage] ?? 0) + 1;
    return counts;
  };
  const plan = async (name: string, encoders: string) => ({
    ...(await planShipped('compare-preprocessing', { ...SMALL, encoders }, work)),
    name,
  });
  const first = await runShipped(engine, await plan('one', 'stain-texture'), 'report');
  assert.deepEqual(await made('one'), {
    ...{ cohort: 1, 'patch-20': 6, 'extract-20-stain-texture': 6 },
    ...{ split: 1, train: 2, evaluate: 2, report: 1 },
  });
  const second = await runShipped(engine, await plan('two', 'stain-texture,efficientnet-lite0'), 'report');
  assert.deepEqual(await made('two'), {
    ...{ 'extract-20-efficientnet-lite0': 6, train: 2, evaluate: 2, report: 1 },
  });
  const groups = [
    'magnification 20 · stain-texture · abmil',
    'magnification 20 · efficientnet-lite0 · abmil',
  ];
  assert.deepEqual(second.groups.map(({ group }) => group).sort(), groups.sort());
  assert.deepEqual(
    second.pooled.find(({ group }) => group.includes('stain-texture')),
    first.pooled[0],
  );
});
