import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { planPath } from '../../domain/engine/store/paths.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { loadPipeline } from '../../domain/engine/language/load-pipeline.js';
import { expectStillOpen, openRun } from './support/open-run.js';
import type { Scene } from './support/scene.js';
import { rootOnly, type Trial } from './support/trial.js';
import { listed } from './support/work-folder.js';

const STRANGER = fileURLToPath(new URL('./support/stranger.js', import.meta.url));
/** The account `nobody` of most systems; it needs no entry in the password file. */
const ACCOUNT = 65_534;
const AS_STRANGER = ['setpriv', `--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, '--clear-groups'];
/** A worker would have carried out a small run by then. */
const CARRIED_OUT_MILLISECONDS = 6000;

export const otherAccount: Trial = {
  name: 'other-account',
  title: 'another account of the machine tries to read, write, start and end: nothing succeeds',
  unavailable: () => rootOnly() ?? strangerUnavailable(),
  run: async (scene: Scene) => {
    const open = await openRun(scene);
    const target = join(scene.folder, 'owner', 'planted');
    const plan = await writePlan(scene, target);
    const args = [join(open.rig.folder, 'state'), open.run, plan, ...open.ports.map(String)];
    const [program, ...all] = [...AS_STRANGER, process.execPath, STRANGER, ...args];
    const { status, stdout, stderr } = spawnSync(program, all, {
      encoding: 'utf8',
      cwd: '/',
      timeout: 120_000,
    });
    if (status !== 0) throw new Error(`the other account's attempts failed: ${stderr}`);
    const succeeded = stdout.trim().split('\n').filter(Boolean);
    scene.disturbed('other account', `tries files and ports ${open.ports.join(', ')}`);
    for (const verb of ['lists', 'reads', 'starts', 'ends']) {
      const own = succeeded.filter((line) => line.startsWith(verb));
      scene.expect(own.length === 0, `the other account ${verb} nothing`, listed(own));
    }
    await sleep(CARRIED_OUT_MILLISECONDS);
    scene.expect(!existsSync(target), 'the worker writes nothing for the other account', target);
    await expectStillOpen(scene, open);
  },
};

/** A plan of the other account that copies a private file of the owner to a new place of the owner. */
async function writePlan(scene: Scene, target: string): Promise<string> {
  const owner = dirname(target);
  mkdirSync(owner, { mode: 0o700 });
  const secret = join(owner, 'patients.csv');
  writeFileSync(secret, 'name\nsecret\n', { mode: 0o600 });
  const work = join(scene.folder, 'stranger', 'work');
  const text = `pipeline: 1
name: stranger
stages:
  loot:
    uses: pipeline.copy
    with: { files: [${secret}], to: ${target} }
`;
  const registry = await loadRegistry();
  const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));
  const { plan, problems } = loadPipeline(text, { file: 'stranger.yaml', catalog, cwd: scene.folder, work });
  if (plan === undefined) throw new Error(JSON.stringify(problems));
  const path = planPath(work, 'stranger');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(plan));
  for (let folder = path; folder !== scene.folder; folder = dirname(folder))
    chownSync(folder, ACCOUNT, ACCOUNT);
  // The other account must reach its own folder; what is beside it protects itself.
  for (let folder = scene.folder; ; folder = dirname(folder)) {
    chmodSync(folder, 0o755);
    if (folder === dirname(scene.folder)) return path;
  }
}

/** Another account runs this test's own files, so it must be able to read the checkout. */
function strangerUnavailable(): string | undefined {
  const tried = spawnSync(AS_STRANGER[0], [...AS_STRANGER.slice(1), process.execPath, '--check', STRANGER]);
  return tried.status === 0
    ? undefined
    : 'needs the program setpriv, and a checkout that other accounts can read';
}
