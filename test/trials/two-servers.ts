import { setTimeout as sleep } from 'node:timers/promises';
import { Rig } from './support/rig.js';
import { TRIAL_PIPELINE } from './support/reference.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { eventsIn, expectSameOutputs, runNames } from './support/work-folder.js';

export const twoServers: Trial = {
  name: 'two-servers',
  title: 'two servers run different plans in one work folder: the second is refused by name, or waits',
  run: async (scene: Scene) => {
    const rigs = [new Rig(scene, 'first'), new Rig(scene, 'second')] as const;
    const { work } = rigs[0];
    const start = (rig: Rig, ...args: string[]) =>
      rig.start('client', ['run', TRIAL_PIPELINE, '--work', work, ...args]);
    const first = start(rigs[0]);
    await first.says(/preprocess: running/);
    const [holder] = runNames(work);
    const second = start(rigs[1], '--set', 'seed=7');
    scene.disturbed('second server');
    while (first.alive) {
      await sleep(200);
      if (!second.alive || runNames(work).length > 1) break;
    }
    const refused = !second.alive && second.code !== 0;
    if (refused) {
      const named = second.output.includes(holder) || second.output.includes(String(first.pid));
      scene.expect(named, 'the refusal names who holds the work folder', second.lastWords);
    } else {
      scene.expect(!first.alive, 'the second run does not start while the first is open', second.lastWords);
    }
    await first.ended;
    scene.expect(first.code === 0, 'the first run ends done', first.lastWords);
    if (refused) return expectSameOutputs(scene, work);
    await second.ended;
    scene.expect(second.code === 0, 'the second run ends done', second.lastWords);
    scene.note(`${(await eventsIn(work)).length} events of both runs`);
    await expectSameOutputs(scene, work, 'seed=7');
  },
};
