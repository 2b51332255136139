import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from './support/command.js';
import { damageFile, type Damage } from '../support/damage-file.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectSameOutputs, outputFiles } from './support/work-folder.js';

const ROUNDS = 6;
const WAYS: readonly Damage[] = ['flip', 'truncate', 'delete'];
/** Outputs that later stages read. */
const READ_LATER = /^(cohort\/slides|preprocess\/(patches|h5_files|sam_info)|train)\//;

export const damageLive: Trial = {
  name: 'damage-live',
  title: 'outputs are damaged at random while a run continues: `resume` makes all of them equal again',
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    await rig.up();
    let client: Command = rig.run();
    let resumes = 0;
    let next = Date.now() + 12_000;
    let left = ROUNDS;
    for (; ; await sleep(200)) {
      if (!client.alive) {
        if (client.code === 0 || resumes === 2 * ROUNDS) break;
        scene.note(`resume after exit code ${client.code}: ${client.lastWords}`);
        resumes++;
        client = rig.resume();
      }
      if (left === 0 || Date.now() < next) continue;
      left -= damageOne(scene, rig.work);
      next = Date.now() + 3000 + 4000 * scene.random.uniform();
    }
    scene.expect(client.code === 0, 'the run ends done', `${resumes} times resumed: ${client.lastWords}`);
    // What was damaged after its last reader is repaired by the same run.
    const again = await rig.run().ended;
    scene.expect(again.code === 0, 'the same run ends done', `exit code ${again.code}`);
    await expectSameOutputs(scene, rig.work);
    await rig.expectGone();
  },
};

/** Returns the number of damaged files, none if there is no output yet. */
function damageOne(scene: Scene, work: string): number {
  const files = outputFiles(work).filter((path) => READ_LATER.test(path));
  if (files.length === 0) return 0;
  const file = files[scene.random.below(files.length)];
  const how = WAYS[scene.random.below(WAYS.length)];
  damageFile(join(work, file), how);
  scene.disturbed(how, file);
  return 1;
}
