import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { Reference } from './support/reference.js';
import { runTrial } from './support/run-trial.js';
import { endMarked, type Session } from './support/scene.js';
import { TRIALS } from './trials.js';

const folder = mkdtempSync(join(tmpdir(), 'sam-mil-trials-'));
const mark = basename(folder);
const session: Session = {
  folder,
  mark,
  seed: 1,
  reference: new Reference(folder, mark),
  open: new Set(),
  say: () => undefined,
};

after(async () => {
  await endMarked(mark);
  rmSync(folder, { recursive: true, force: true });
});

for (const trial of TRIALS.filter(({ quick }) => quick)) {
  test(`trial ${trial.name}: ${trial.title}`, async (context) => {
    const outcome = await runTrial(trial, session);
    if (outcome.verdict === 'skipped') return context.skip(outcome.reason);
    assert.deepEqual(outcome.faults, []);
  });
}
