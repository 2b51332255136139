import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../../domain/engine/store/run-events.js';
import { bundled } from '../support/bundled.js';
import { eventually, outputDigests } from '../support/processes.js';
import type { Command } from './support/command.js';
import { sendSignal } from './support/process-table.js';
import { TRIAL_PIPELINE } from './support/reference.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { copyWork, eventsIn, listed, namesIn, wrongReceipts } from './support/work-folder.js';

/**
 * A step that is cut off while it works with another value of a param that concerns no earlier step. The only
 * step of a stage has the name of the stage.
 */
interface Round {
  stage: string;
  step: string;
  set: string;
}

const ROUNDS: readonly Round[] = [
  { stage: 'region', step: 'extract', set: 'encoder=stain-texture' },
  { stage: 'region', step: 'segment', set: 'geojson=true' },
  { stage: 'region', step: 'patch', set: 'patch-size=224' },
  { stage: 'cohort', step: 'cohort', set: 'seed=7' },
  { stage: 'split', step: 'split', set: 'val-ratio=0.4' },
  { stage: 'train', step: 'train', set: 'epochs=45' },
  { stage: 'evaluate', step: 'evaluate', set: 'bootstrap=500' },
  { stage: 'heatmap', step: 'heatmap', set: 'colormap=magma' },
  { stage: 'report', step: 'report', set: 'title=Earlier' },
];

/** How long a step may take to start its child; those that have none are cut off after this time. */
const AMID_MILLISECONDS = 300;
const LATE_MILLISECONDS = 25_000;

export const fence: Trial = {
  name: 'fence',
  title:
    'a worker is cut off amid a step and finishes after another run has replaced it: nothing of the newer run changes',
  limit: 1200,
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    await rig.startServer();
    const file = writePipeline(rig.folder);
    for (const round of ROUNDS) await cutOff(scene, rig, file, round);
    await rig.expectGone();
  },
};

/**
 * The trial pipeline with a heartbeat so long that neither the server nor the clock of the cut-off worker
 * ends the step first: only the fence is left.
 */
function writePipeline(folder: string): string {
  const file = join(folder, 'fence.yaml');
  writeFileSync(file, readFileSync(TRIAL_PIPELINE, 'utf8').replace('heartbeat: 5s', 'heartbeat: 5m'));
  return file;
}

async function cutOff(scene: Scene, rig: Rig, file: string, round: Round): Promise<void> {
  const { stage, step, set } = round;
  rig.work = join(rig.folder, `work-${step}`);
  copyWork(await scene.reference.work(), rig.work);
  const relay = await rig.relay();
  await rig.startWorkerThrough(relay);
  const cut = rig.worker;
  if (cut === undefined) throw new Error('no worker');
  // The newer run has something to do.
  forget(rig.work, stage, step);
  const options = ['--until', stage, '--set', `data=${bundled('')}`];
  const earlier = rig.runFile(file, ...options, '--set', set);
  const amid = await started(rig.work, round, cut.pid);
  await eventually('a child works', () => cut.descendants.length > 0, AMID_MILLISECONDS).catch(
    () => undefined,
  );
  // What is frozen looks like a slow step.
  const stopped = cut.descendants.length > 0 ? cut.descendants : [cut.pid];
  for (const pid of stopped) sendSignal(pid, 'SIGSTOP');
  relay.cutOff();
  if ((await endOf(rig.work, amid)) !== undefined) scene.note(`${step} ended before it was cut off`);
  else scene.disturbed('cut off', `${step}: ${stopped.length} processes stopped`);
  earlier.signal('SIGINT');
  await rig.startWorker();
  const newer = rig.runFile(file, ...options, '--replace');
  await newer.ended;
  if (scene.expect(newer.code === 0, `${step}: the newer run ends done`, newer.lastWords))
    await finishLate(scene, rig.work, round, { amid, stopped });
  await rig.worker?.stop();
  for (const pid of stopped) sendSignal(pid, 'SIGKILL');
  await end(cut, earlier);
  relay.close();
}

function forget(work: string, stage: string, step: string): void {
  const folder = join(work, '.receipts', stage);
  for (const item of namesIn(folder)) rmSync(join(folder, item, `${step}.json`), { force: true });
}

async function finishLate(
  scene: Scene,
  work: string,
  { step }: Round,
  { amid, stopped }: { amid: RunEvent; stopped: readonly number[] },
): Promise<void> {
  const before = outputDigests(work);
  for (const pid of [...stopped].reverse()) sendSignal(pid, 'SIGCONT');
  const deadline = Date.now() + LATE_MILLISECONDS;
  let late: RunEvent | undefined;
  while (late === undefined && Date.now() < deadline) {
    await sleep(200);
    late = await endOf(work, amid);
  }
  const how = late === undefined ? 'did not end' : `${late.event} ${late.error?.code ?? ''}`.trim();
  const after = outputDigests(work);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => before[name] !== after[name],
  );
  scene.expect(
    changed.length === 0,
    `${step}: outputs of the newer run stay (late attempt: ${how})`,
    listed(changed),
  );
  scene.expect(late?.event !== 'done', `${step}: the late attempt is not called done`);
  const wrong = wrongReceipts(work);
  scene.expect(wrong.length === 0, `${step}: receipts describe the files that exist`, listed(wrong));
}

async function started(work: string, { stage, step }: Round, pid: number): Promise<RunEvent> {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(5)) {
    const found = (await eventsIn(work)).find(
      (event) =>
        event.stage === stage && event.step === step && event.event === 'started' && event.pid === pid,
    );
    if (found !== undefined) return found;
  }
  throw new Error(`${step} did not start`);
}

/** How the attempt ended, from the events that its own worker wrote. */
async function endOf(work: string, amid: RunEvent): Promise<RunEvent | undefined> {
  return (await eventsIn(work)).find(
    ({ pid, stage, step, item, attempt, event }) =>
      pid === amid.pid &&
      stage === amid.stage &&
      step === amid.step &&
      item === amid.item &&
      attempt === amid.attempt &&
      event !== 'started',
  );
}

async function end(...commands: readonly Command[]): Promise<void> {
  for (const command of commands) {
    command.signal('SIGKILL');
    await command.ended;
  }
}
