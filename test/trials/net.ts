import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/server.js';
import { Hosts, hostsUnavailable } from './support/hosts.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectSameOutputs } from './support/work-folder.js';

/** When a stage begins, a host is cut off for some seconds; a heartbeat is due every 5. */
const CUTS = [
  { stage: 'preprocess', host: 'one', seconds: 20 },
  { stage: 'train', host: 'two', seconds: 12 },
  { stage: 'heatmap', host: 'term', seconds: 15 },
];

export const net: Trial = {
  name: 'net',
  title:
    'hosts in network namespaces lose their link in turn, the one of the client too: the run ends, outputs equal',
  unavailable: hostsUnavailable,
  run: async (scene: Scene) => {
    const port = await freePort();
    const hosts = await Hosts.make(
      scene,
      CUTS.map(({ host }) => host),
      port,
    );
    const rig = new Rig(scene, 'rig', { port, launch: { prefix: hosts.on('term') } });
    await rig.startServer({ prefix: hosts.on('srv') });
    const workers = [];
    for (const host of ['one', 'two']) {
      const args = ['worker', '--no-set-up', '--concurrency', 'cpu=1'];
      const worker = rig.start(`worker-${host}`, args, { prefix: hosts.on(host) });
      await worker.says(/worker serves/);
      workers.push(worker);
    }
    const client = rig.run();
    for (const { stage, host, seconds } of CUTS) {
      await client.says(new RegExp(`${stage}: running`), 180_000);
      await sleep(1500);
      hosts.cut(host);
      await sleep(seconds * 1000);
      hosts.restore(host);
    }
    await client.endsWithin(240_000);
    if (scene.expect(client.code === 0, 'the client follows the run until it is done', client.lastWords))
      await expectSameOutputs(scene, rig.work);
    for (const worker of workers) await worker.stop();
    await rig.down();
  },
};
