import { setTimeout as sleep } from 'node:timers/promises';
import type { Line, Relay } from '../support/relay.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectSameOutputs } from './support/work-folder.js';

const LINE: Line = { delayMs: 30, jitterMs: 50, stallChance: 0.003, stallMs: 5000, resetMs: 15_000 };
const MINUTES = 15;

export const badLine: Trial = {
  name: 'bad-line',
  title:
    'worker and client reach the server over a line with delay, stalls and resets: the run ends, outputs equal',
  limit: 1200,
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    await rig.startServer();
    const relays = [await rig.relay(LINE), await rig.relay(LINE)];
    await rig.startWorkerThrough(relays[0]);
    const client = rig.runThrough(relays[1]);
    await Promise.race([client.ended, sleep(MINUTES * 60_000, undefined, { ref: false })]);
    report(scene, relays);
    scene.expect(!client.alive, `the client ends within ${MINUTES} minutes`);
    if (scene.expect(client.code === 0, 'the client follows the run until it is done', client.lastWords))
      await expectSameOutputs(scene, rig.work);
    await rig.expectGone();
  },
};

function report(scene: Scene, relays: readonly Relay[]): void {
  for (const { resets, stalls } of relays) {
    scene.counts.resets = (scene.counts.resets ?? 0) + resets;
    scene.counts.stalls = (scene.counts.stalls ?? 0) + stalls;
  }
}
