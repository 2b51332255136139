import { join } from 'node:path';
import { DAMAGES, damageFile } from '../support/damage-file.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { copyWork, expectSameOutputs, outputFiles } from './support/work-folder.js';

const FILES = 20;

export const damage: Trial = {
  name: 'damage',
  title: 'outputs are damaged after a run: the same run makes all of them equal again',
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    copyWork(await scene.reference.work(), rig.work);
    const files = scene.random.shuffle(outputFiles(rig.work)).slice(0, FILES);
    for (const [index, file] of files.entries()) {
      const how = DAMAGES[index % DAMAGES.length];
      damageFile(join(rig.work, file), how);
      scene.disturbed(how, file);
    }
    await rig.up();
    const { code } = await rig.run().ended;
    scene.expect(code === 0, 'the run ends done', `exit code ${code}`);
    await expectSameOutputs(scene, rig.work);
    await rig.expectGone();
  },
};
