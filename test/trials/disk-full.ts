import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectNoLeftovers, expectSameOutputs } from './support/work-folder.js';

const SMALL_MB = 40;
const LARGE_MB = 800;

export const diskFull: Trial = {
  name: 'disk-full',
  title:
    'the disk of the work folder is too small: the run says so, and ends with equal outputs once it is larger',
  unavailable,
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    mkdirSync(rig.work);
    mount(['-t', 'tmpfs', '-o', `size=${SMALL_MB}m,mode=700`, 'tmpfs', rig.work]);
    scene.atEnd(() => void spawnSync('umount', ['-l', rig.work]));
    await rig.up();
    scene.disturbed(`disk of ${SMALL_MB} MB`);
    const run = rig.run();
    await run.says(/disk is full|DiskFull/, 240_000).catch(() => undefined);
    scene.expect(/disk is full/.test(run.output), 'the run says that the disk is full', run.lastWords);
    mount(['-o', `remount,size=${LARGE_MB}m`, rig.work]);
    await run.ended;
    scene.note(`after the disk was enlarged: exit code ${run.code}`);
    if (run.code !== 0) {
      const resumed = rig.resume();
      await resumed.ended;
      scene.expect(resumed.code === 0, '`resume` ends done', resumed.lastWords);
    }
    await expectSameOutputs(scene, rig.work);
    expectNoLeftovers(scene, rig.work);
    await rig.expectGone();
  },
};

function unavailable(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  rmdirSync(folder);
  return mounted ? undefined : 'this user may not mount a small disk';
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount: ${stderr}`);
}
