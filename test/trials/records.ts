import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RECEIPT, RECEIPT_EDITS, RUN_FILES, writeAll } from './support/record-edits.js';
import { TRIAL_PIPELINE } from './support/reference.js';
import { Rig } from './support/rig.js';
import { saneEnd } from './support/sane-end.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { copyWork, listed, wrongReceipts } from './support/work-folder.js';

const COMMAND_MILLISECONDS = 120_000;

export const records: Trial = {
  name: 'records',
  title:
    'receipts, key index, digest cache and run records are edited: no wrong value is accepted, no command crashes',
  limit: 1500,
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    const pristine = await scene.reference.work();
    copyWork(pristine, rig.work);
    await rig.up();
    const auc = aucIn(pristine);
    for (const [name, edit] of Object.entries(RECEIPT_EDITS)) {
      restore(pristine, rig.work);
      edit(rig.work);
      scene.disturbed('edit receipts', name);
      await checkReceipts(scene, rig, name, auc);
    }
    for (const [file, texts] of Object.entries(RUN_FILES)) {
      for (const text of texts) {
        restore(pristine, rig.work);
        writeAll(rig.work, '.runs', (path) => path.endsWith(`/${file}`), text);
        scene.disturbed('edit run records', `${file} ${JSON.stringify(text)}`);
        await checkCommands(scene, rig, `${file} ${JSON.stringify(text)}`);
      }
    }
    await rig.expectGone();
  },
};

/** Brings back what an edit changes and what a run after it may have made again. */
function restore(pristine: string, work: string): void {
  for (const folder of ['.receipts', '.runs', 'evaluate']) {
    rmSync(join(work, folder), { recursive: true });
    copyWork(join(pristine, folder), join(work, folder));
  }
}

async function checkReceipts(scene: Scene, rig: Rig, name: string, auc: unknown): Promise<void> {
  const plan = rig.start('plan', ['plan', TRIAL_PIPELINE, '--work', rig.work]);
  await plan.endsWithin(COMMAND_MILLISECONDS);
  const run = rig.run('--until', 'evaluate');
  await run.endsWithin(COMMAND_MILLISECONDS);
  const problems = [saneEnd(plan), saneEnd(run)].flatMap((problem) => problem ?? []);
  if (run.code !== 0) problems.push(`the run does not end done: ${run.lastWords}`);
  else {
    const found = aucIn(rig.work);
    if (found !== auc) problems.push(`auc ${String(found)} is accepted instead of ${String(auc)}`);
    problems.push(...wrongReceipts(rig.work));
  }
  scene.expect(problems.length === 0, `receipts, ${name}: made again or refused`, listed(problems));
  for (const command of [plan, run]) command.signal('SIGKILL');
}

async function checkCommands(scene: Scene, rig: Rig, what: string): Promise<void> {
  const problems: string[] = [];
  const place = ['--work', rig.work];
  const item = ['latest', 'evaluate@abmil-0-0'];
  for (const args of [
    ['status'],
    ['report'],
    ['metrics'],
    ['ls'],
    ['logs', ...item],
    ['resume', '--no-worker'],
  ]) {
    const command = rig.start(args[0], [...args, ...place]);
    await command.endsWithin(COMMAND_MILLISECONDS);
    const problem = saneEnd(command);
    if (problem !== undefined) problems.push(`${args[0]}: ${problem}`);
    command.signal('SIGKILL');
  }
  scene.expect(problems.length === 0, `run records, ${what}: every command ends well`, listed(problems));
}

function aucIn(work: string): unknown {
  try {
    const receipt = JSON.parse(readFileSync(join(work, RECEIPT), 'utf8')) as { outputs: { auc: unknown } };
    return receipt.outputs.auc;
  } catch (error) {
    return (error as Error).message;
  }
}
