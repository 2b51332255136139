import { join } from 'node:path';
import { damageFile, type Damage } from '../support/damage-file.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectSameOutputs, outputFiles } from './support/work-folder.js';

const WAYS: readonly Damage[] = ['flip', 'truncate', 'delete'];

export const resumeHeals: Trial = {
  name: 'resume-heals',
  title:
    'bags of a finished stage are damaged before they are read: the first `resume` makes all outputs equal',
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    await rig.up();
    const run = rig.run();
    await run.says(/preprocess: done/);
    const bags = outputFiles(rig.work).filter((path) => /^preprocess\/.*h5_files\//.test(path));
    for (const [index, how] of WAYS.entries()) {
      damageFile(join(rig.work, bags[index]), how);
      scene.disturbed(how, bags[index]);
    }
    const { code } = await run.ended;
    scene.note(`the run ended with exit code ${code}: ${run.lastWords}`);
    if (code !== 0) {
      const resumed = rig.resume();
      await resumed.ended;
      scene.expect(resumed.code === 0, 'the first `resume` ends done', resumed.lastWords);
    }
    await expectSameOutputs(scene, rig.work);
    await rig.expectGone();
  },
};
