import { writeFileSync } from 'node:fs';
import { gateOf, TOY_PLUGIN, writeToyPipeline } from '../../support/cli.js';
import { listenersOf } from '../../support/listening-ports.js';
import type { Command } from './command.js';
import { Rig } from './rig.js';
import type { Scene } from './scene.js';
import { runNames } from './work-folder.js';

/** A run of the toy pipeline that stays open, so that others can try to act on it. */
export interface OpenRun {
  rig: Rig;
  run: string;
  client: Command;
  /** Ports on which a process of the scene listens. */
  ports: number[];
}

export async function openRun(scene: Scene): Promise<OpenRun> {
  const rig = new Rig(scene);
  await rig.up('--plugin', TOY_PLUGIN);
  const file = writeToyPipeline(rig.folder);
  writeFileSync(gateOf(rig.folder), '');
  const client = rig.runFile(file, '--plugin', TOY_PLUGIN);
  await client.says(/make: running/);
  const listeners = listenersOf(...scene.processes.map(({ pid }) => pid));
  const ports = [...new Set(listeners.map(({ port }) => port))];
  scene.note(`ports ${ports.join(', ')} are open`);
  return { rig, run: runNames(rig.work)[0], client, ports };
}

/** Expects that nobody has ended the run. */
export async function expectStillOpen(scene: Scene, { rig, run, client }: OpenRun): Promise<void> {
  const status = rig.start('status', ['status', run, '--json']);
  await status.ended;
  const running = client.alive && /"status":"running"/.test(status.output);
  scene.expect(running, 'the run is still open', `${status.lastWords}; ${client.lastWords}`);
}
