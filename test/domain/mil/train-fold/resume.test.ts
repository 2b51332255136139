import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finishedEpochs } from '../support.js';
import { fileURLToPath } from 'node:url';
import { openBackend } from '../../../../domain/mil/compute/backend.js';
import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeCohort, makeJob, trainWith, type Cohort } from '../cohort.js';
import { makeLearnableCohort } from '../learnable-cohort.js';

const child = fileURLToPath(new URL('train-child.js', import.meta.url));

/**
 * Runs the training in a child; kills it with SIGKILL after it has printed `epoch <kill>`. Resolves to
 * whether it completed.
 */
function trainInChild(
  folder: string,
  work: string,
  settings: TrainFoldWith,
  kill?: number,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const process = spawn(globalThis.process.execPath, [child, folder, work, JSON.stringify(settings)]);
    let output = '';
    let errors = '';
    process.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      // A few steps into the next epoch. Every step is saved, so training resumes in the middle.
      if (kill !== undefined && output.includes(`epoch ${kill}\n`))
        setTimeout(() => process.kill('SIGKILL'), 15);
    });
    process.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    process.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(false);
      else if (code === 0) resolve(output.includes('done'));
      else reject(new Error(errors));
    });
  });
}

const HEADS: readonly [string, (folder: string) => Cohort, Partial<TrainFoldWith>][] = [
  ['of classes', makeCohort, { model: 'sam-mil' }],
  [
    'of hazards',
    (folder) => makeLearnableCohort(folder, 'survival'),
    { model: 'abmil', loss: 'hazard', bagsPerStep: 3 },
  ],
  [
    'by Cox, with steps of five bags',
    (folder) => makeLearnableCohort(folder, 'survival'),
    { model: 'mhim-mil', loss: 'cox', bagsPerStep: 5 },
  ],
  [
    'of values',
    (folder) => makeLearnableCohort(folder, 'regression'),
    { model: 'sam-mil', loss: 'huber', bagsPerStep: 3 },
  ],
];

for (const [name, cohortIn, changes] of HEADS) {
  test(`a training ${name} killed twice with SIGKILL gives the same bits as an uninterrupted one`, async (t) => {
    const folder = temporaryFolder(t);
    const cohort = cohortIn(folder);
    const settings = trainWith(cohort, { epochs: 8, saveEvery: 0, ...changes });
    await openBackend('tensorflow');
    const whole = await run(makeJob(join(folder, 'whole'), cohort.work, settings));

    const cut = join(folder, 'cut');
    assert.equal(await trainInChild(cut, cohort.work, settings, 2), false);
    assert.equal(await trainInChild(cut, cohort.work, settings, 5), false);
    assert.equal(await trainInChild(cut, cohort.work, settings), true);
    for (const [output, file] of [
      ['checkpoint', 'checkpoint.safetensors'],
      ['history', 'history.csv'],
    ]) {
      const expected = readFileSync(whole.files[output].from);
      assert.ok(readFileSync(join(cut, 'scratch', file)).equals(expected), `${output}, bit by bit`);
    }
  });
}

test('a state from another backend is rejected, one with other threads or kernels is ignored', async (t) => {
  const folder = temporaryFolder(t);
  const cohort = makeCohort(folder);
  const settings = trainWith(cohort, { saveEvery: 0, epochs: 2 });
  await run(makeJob(folder, cohort.work, settings));
  const refused = makeJob(folder, cohort.work, { ...settings, backend: 'js' as const });
  await assert.rejects(run(refused), {
    code: 'BackendMismatch',
    message: /expected tensorflow cpu .* found js cpu/,
  });
  for (const [name, value, here] of [
    ['TF_NUM_INTRAOP_THREADS', '99', '99 threads'],
    ['TF_ENABLE_ONEDNN_OPTS', '0', 'Eigen'],
  ]) {
    const before = process.env[name];
    process.env[name] = value;
    const other = makeJob(folder, cohort.work, settings);
    await run(other);
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
    const words = new RegExp(`started on .* this machine has .*${here}.*training of this fold restarts`);
    assert.match(other.warnings.join(), words);
    assert.deepEqual(finishedEpochs(other), [1, 2]);
  }
});

test('a damaged saved state is ignored with a warning, and training gives the same result', async (t) => {
  const folder = temporaryFolder(t);
  const cohort = makeCohort(folder);
  const settings = trainWith(cohort, { saveEvery: 0, epochs: 2, backend: 'js' });
  const whole = await run(makeJob(folder, cohort.work, settings));
  const bytes = readFileSync(whole.files.checkpoint.from);
  const path = join(folder, 'checkpoint', 'training-state.safetensors');
  const state = readFileSync(path);
  const flipped = Buffer.from(state);
  flipped[flipped.length - 3] ^= 4;
  const edited = Buffer.from(state.toString('latin1').replace('\\"step\\":', '\\"stop\\":'), 'latin1');
  assert.ok(!edited.equals(state));
  for (const damaged of [state.subarray(0, 200), Buffer.from(''), flipped, edited]) {
    writeFileSync(path, damaged);
    const again = makeJob(folder, cohort.work, settings);
    const { files } = await run(again);
    assert.match(
      again.warnings.join(),
      /saved state cannot be read, so training of this fold restarts: .*training-state/,
    );
    assert.deepEqual(readFileSync(files.checkpoint.from), bytes);
  }
});
