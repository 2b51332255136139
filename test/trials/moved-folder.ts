import { existsSync, renameSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectSameOutputs, listed, namesIn, runNames } from './support/work-folder.js';

const AWAY_MILLISECONDS = 20_000;
const CANCEL_MILLISECONDS = 90_000;

export const movedFolder: Trial = {
  name: 'moved-folder',
  title:
    'the work folder is moved away during a run: nothing recreates it, `cancel` ends, and back in place it continues',
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    const away = `${rig.work}.away`;
    await rig.up();
    const run = rig.run();
    await run.says(/preprocess: running/);
    const [name] = runNames(rig.work);
    renameSync(rig.work, away);
    scene.disturbed('move the work folder');
    await run.endsWithin(AWAY_MILLISECONDS);
    scene.expect(run.alive || run.code !== 0, 'the run does not end done', run.lastWords);
    expectNotRecreated(scene, rig.work, 'while it runs');
    const cancel = rig.start('cancel', ['cancel', name, '--work', away]);
    await cancel.endsWithin(CANCEL_MILLISECONDS);
    scene.expect(!cancel.alive, '`cancel` ends in a bounded time', cancel.lastWords);
    const ended = cancel.code === 0 || /has already ended/.test(cancel.output);
    scene.expect(ended, 'the run is cancelled', cancel.lastWords);
    cancel.signal('SIGKILL');
    await run.endsWithin(30_000);
    scene.expect(!run.alive, 'the client ends when the run is cancelled', run.lastWords);
    run.signal('SIGKILL');
    await sleep(3000);
    expectNotRecreated(scene, rig.work, 'after it was cancelled');
    if (existsSync(rig.work)) renameSync(rig.work, `${rig.work}.recreated`);
    renameSync(away, rig.work);
    const again = rig.run();
    await again.ended;
    if (scene.expect(again.code === 0, 'back in place, the same run ends done', again.lastWords))
      await expectSameOutputs(scene, rig.work);
    await rig.expectGone();
  },
};

function expectNotRecreated(scene: Scene, work: string, when: string): void {
  const found = existsSync(work) ? listed(namesIn(work, true)) : '';
  scene.expect(!existsSync(work), `nothing recreates the work folder ${when}`, found);
}
