import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from './support/command.js';
import { sendSignal } from './support/process-table.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { expectNoLeftovers, expectSameOutputs } from './support/work-folder.js';

const EVENTS = 10;
/** Longer than the heartbeat timeout of the trial pipeline. */
const FROZEN_MILLISECONDS = 8000;

interface Situation {
  rig: Rig;
  scene: Scene;
  client: Command;
}

/** The processes that are killed or frozen; none if there are none at the moment. */
const DISTURBANCES: Readonly<Record<string, (situation: Situation) => readonly number[]>> = {
  'kill worker': ({ rig }) => alive(rig.worker),
  'kill child': ({ rig, scene }) => oneOf(scene, rig.worker?.descendants ?? []),
  'kill children': ({ rig }) => rig.worker?.descendants ?? [],
  'kill server': ({ rig }) => embedded(rig),
  'kill `sam-mil server`': ({ rig }) => alive(rig.server),
  'kill client': ({ client }) => alive(client),
  'kill all': ({ scene }) => scene.processes.map(({ pid }) => pid),
  'freeze worker': ({ rig }) => [...alive(rig.worker), ...(rig.worker?.descendants ?? [])],
  'freeze child': ({ rig, scene }) => oneOf(scene, rig.worker?.descendants ?? []),
  'freeze server': ({ rig }) => embedded(rig),
};
const KINDS = Object.keys(DISTURBANCES);

export const chaos: Trial = {
  name: 'chaos',
  title:
    'worker, children, server and client are killed and frozen at random: outputs equal, nothing is left',
  limit: 900,
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    await rig.up();
    let client = rig.run();
    let left = EVENTS;
    let next = Date.now() + 6000;
    while (client.code !== 0) {
      await sleep(200);
      client = await tend(scene, rig, client);
      if (left === 0 || Date.now() < next) continue;
      left -= await disturb(scene, rig, client);
      next = Date.now() + 2000 + 4000 * scene.random.uniform();
    }
    scene.note(`the run ended done after ${EVENTS - left} disturbances`);
    await expectSameOutputs(scene, rig.work);
    await rig.expectGone();
    expectNoLeftovers(scene, rig.work);
  },
};

/** Returns the number of disturbances, 0 or 1. Frozen processes continue before it returns. */
async function disturb(scene: Scene, rig: Rig, client: Command): Promise<number> {
  const kind = KINDS[scene.random.below(KINDS.length)];
  const pids = DISTURBANCES[kind]({ rig, scene, client });
  if (pids.length === 0) return 0;
  scene.disturbed(kind);
  const freezes = kind.startsWith('freeze');
  for (const pid of pids) sendSignal(pid, freezes ? 'SIGSTOP' : 'SIGKILL');
  await sleep(freezes ? FROZEN_MILLISECONDS : 300 + 3000 * scene.random.uniform());
  if (freezes) for (const pid of pids) sendSignal(pid, 'SIGCONT');
  return 1;
}

/** Restarts what is dead, as a service manager or a person would. Returns the client. */
async function tend(scene: Scene, rig: Rig, client: Command): Promise<Command> {
  if (rig.serverPid === undefined || rig.server?.alive !== true) {
    // It notices within a second or two that its server is dead.
    await rig.server?.endsWithin(5000);
    if (rig.server?.alive !== true) await rig.startServer();
  }
  if (rig.worker?.alive !== true) await rig.startWorker();
  if (client.alive || client.code === 0) return client;
  if (client.code !== null) scene.note(`the client ended with exit code ${client.code}: ${client.lastWords}`);
  if (/held:/.test(client.output)) scene.expect(false, 'the run is not held', client.lastWords);
  return rig.run();
}

function alive(command: Command | undefined): number[] {
  return command?.alive === true ? [command.pid] : [];
}

function embedded({ serverPid }: Rig): number[] {
  return serverPid === undefined ? [] : [serverPid];
}

function oneOf(scene: Scene, pids: readonly number[]): number[] {
  return pids.length === 0 ? [] : [pids[scene.random.below(pids.length)]];
}
