import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { RECEIPT, RECEIPT_EDITS, RUN_FILES, writeAll } from './support/record-edits.js';
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
    await rig.up('--plugin', TOY_PLUGIN);
    const file = writeToyPipeline(rig.folder);
    const first = rig.runFile(file, '--plugin', TOY_PLUGIN);
    await first.ended;
    if (first.code !== 0) throw new Error(first.output);
    const pristine = join(scene.folder, 'pristine');
    copyWork(rig.work, pristine);
    for (const [name, edit] of Object.entries(RECEIPT_EDITS)) {
      restore(pristine, rig.work);
      edit(rig.work);
      scene.disturbed('edit receipts', name);
      await checkReceipts(scene, rig, { file, name, length: lengthIn(pristine) });
    }
    for (const [record, texts] of Object.entries(RUN_FILES)) {
      for (const text of texts) {
        restore(pristine, rig.work);
        writeAll(rig.work, '.runs', (path) => path.endsWith(`/${record}`), text);
        scene.disturbed('edit run records', `${record} ${JSON.stringify(text)}`);
        await checkCommands(scene, rig, `${record} ${JSON.stringify(text)}`);
      }
    }
    await rig.expectGone();
  },
};

function restore(pristine: string, work: string): void {
  rmSync(work, { recursive: true });
  copyWork(pristine, work);
}

async function checkReceipts(
  scene: Scene,
  rig: Rig,
  { file, name, length }: { file: string; name: string; length: unknown },
): Promise<void> {
  const plan = rig.start('plan', ['plan', file, '--work', rig.work, '--plugin', TOY_PLUGIN]);
  await plan.endsWithin(COMMAND_MILLISECONDS);
  const run = rig.runFile(file, '--plugin', TOY_PLUGIN);
  await run.endsWithin(COMMAND_MILLISECONDS);
  const problems = [saneEnd(plan), saneEnd(run)].flatMap((problem) => problem ?? []);
  if (run.code !== 0) problems.push(`the run does not end done: ${run.lastWords}`);
  else {
    const found = lengthIn(rig.work);
    if (found !== length) problems.push(`length ${String(found)} is accepted instead of ${String(length)}`);
    problems.push(...wrongReceipts(rig.work));
  }
  scene.expect(problems.length === 0, `receipts, ${name}: made again or refused`, listed(problems));
  for (const command of [plan, run]) command.signal('SIGKILL');
}

async function checkCommands(scene: Scene, rig: Rig, what: string): Promise<void> {
  const problems: string[] = [];
  const place = ['--work', rig.work];
  const item = ['latest', 'make@a'];
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

function lengthIn(work: string): unknown {
  try {
    const receipt = JSON.parse(readFileSync(join(work, RECEIPT), 'utf8')) as { outputs: { length: unknown } };
    return receipt.outputs.length;
  } catch (error) {
    return (error as Error).message;
  }
}
