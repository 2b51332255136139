import assert from 'node:assert/strict';
import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { resumeUpdate, type RunStatus } from '../../workflows/messages.js';
import { damageFile } from '../support/damage-file.js';
import { ended, TestEngine, until } from '../support/engine.js';
import { outputDigests } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { planShipped } from './run-shipped.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 1 } });
});
after(() => engine?.stop());

/** Real steps: a data set, splits, trainings and evaluations. */
const PARAMS = { models: 'mean', repeats: '1', folds: '3', epochs: '10' };

/** Digests of all outputs except the report, which states times. */
function resultsOf(work: string): [string, string][] {
  return Object.entries(outputDigests(work)).filter(([path]) => !path.startsWith('report'));
}

function isDone(name: string, count: number): (status: RunStatus) => boolean {
  return ({ stages }) => stages.some((stage) => stage.name === name && stage.done >= count);
}

test('bags and splits damaged while a real run trains: resume gives the undisturbed bits', async (context) => {
  const calm = temporaryFolder(context);
  const undisturbed = await engine.finish(await planShipped('musk', PARAMS, calm), { run: 'calm' });
  assert.equal(undisturbed.state, 'done', undisturbed.message);

  const work = temporaryFolder(context);
  const handle = await engine.run(await planShipped('musk', PARAMS, work), { run: 'damaged' });
  const damages: [when: (status: RunStatus) => boolean, damage: () => void][] = [
    [
      isDone('split', 1),
      () => {
        const bags = readdirSync(join(work, 'import/bags')).sort();
        rmSync(join(work, 'import/bags', bags[3]));
        damageFile(join(work, 'import/bags', bags[7]), 'flip');
      },
    ],
    [isDone('train', 1), () => truncateSync(join(work, 'split/splits.json'), 10)],
  ];
  let resumed = 0;
  for (let status = await handle.query<RunStatus>('status'); ;) {
    const next = damages[0];
    status = await until(
      handle,
      (now) => now.state === 'held' || now.state === 'done' || next?.[0](now),
      120_000,
    );
    if (next?.[0](status)) {
      damages.shift();
      next[1]();
    } else if (status.state === 'done') break;
    else {
      const codes = status.stages.flatMap(({ failures, error }) =>
        [...failures.map((failed) => failed.error), ...(error ? [error] : [])].map(({ code }) => code),
      );
      assert.deepEqual([...new Set(codes)], ['OutputDamaged'], status.message);
      assert.ok(++resumed < 5, status.message);
      await handle.executeUpdate(resumeUpdate, { args: [{}] });
    }
  }
  assert.equal((await ended(handle)).state, 'done');
  assert.ok(resumed > 0 && damages.length === 0);
  assert.deepEqual(resultsOf(work), resultsOf(calm));
});
