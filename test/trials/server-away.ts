import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gateOf, TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { sendSignal } from './support/process-table.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';

const SECONDS = 30;

export const serverAway: Trial = {
  name: 'server-away',
  title: `the server is frozen for ${SECONDS} seconds: the client says so and follows the run to its end`,
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    await rig.up('--plugin', TOY_PLUGIN);
    const file = writeToyPipeline(rig.folder);
    writeFileSync(gateOf(rig.folder), '');
    const client = rig.runFile(file, '--plugin', TOY_PLUGIN);
    await client.says(/make: running/);
    const server = rig.serverPid ?? 0;
    sendSignal(server, 'SIGSTOP');
    scene.disturbed('freeze the server');
    await sleep(SECONDS * 1000);
    scene.expect(client.alive, 'the client still follows the run', client.lastWords);
    scene.expect(
      /server/i.test(news(client.output)),
      'the client says that the server is away',
      client.lastWords,
    );
    sendSignal(server, 'SIGCONT');
    await sleep(5000);
    scene.expect(client.alive, 'it follows the run after the server is back', client.lastWords);
    rmSync(gateOf(rig.folder));
    await client.endsWithin(120_000);
    scene.expect(client.code === 0, 'the client ends with the run, done', client.lastWords);
    await rig.expectGone();
  },
};

/** What was said after the first stage began to run. */
function news(output: string): string {
  return output.slice(output.indexOf('make: running'));
}
