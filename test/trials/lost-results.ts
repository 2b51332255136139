import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/processes.js';
import { Rig } from './support/rig.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { namesIn } from './support/work-folder.js';

const STUB_PLUGIN = new URL('../support/stub-plugin.js', import.meta.url).pathname;
const ITEMS = 300;

const PIPELINE = `pipeline: 1
name: lost
stages:
  make:
    matrix: { i: '\${{ range(${ITEMS}) }}' }
    max-parallel: 16
    uses: stub.light
    with: { text: 'text' }
  use:
    needs: make
    uses: stub.join
    with: { items: '\${{ needs.make.items }}' }
`;

export const lostResults: Trial = {
  name: 'lost-results',
  title: 'results files are deleted during a run: it never ends done with items missing',
  run: async (scene: Scene) => {
    const rig = new Rig(scene);
    const file = join(rig.folder, 'lost.yaml');
    writeFileSync(file, PIPELINE);
    await rig.up('--plugin', STUB_PLUGIN);
    const run = rig.runFile(file, '--plugin', STUB_PLUGIN);
    await eventually('results are written', () => resultsFiles(rig.work).length > 0 || !run.alive, 60_000);
    for (const path of resultsFiles(rig.work)) {
      rmSync(path);
      scene.disturbed('delete', path.slice(rig.work.length + 1));
    }
    await run.endsWithin(120_000);
    scene.note(`the run: ${run.lastWords}`);
    const complete = run.code === 0 && itemsUsed(rig.work) === ITEMS;
    const named = run.code !== 0 && /results/.test(run.output);
    scene.expect(complete || named, 'the run has all items or fails by name', describe(run.code, rig.work));
    if (run.code !== 0) {
      const resumed = rig.resume('--plugin', STUB_PLUGIN);
      await resumed.ended;
      const all = resumed.code === 0 && itemsUsed(rig.work) === ITEMS;
      scene.expect(all, '`resume` ends done with all items', resumed.lastWords);
    }
    await rig.expectGone();
  },
};

function resultsFiles(work: string): string[] {
  return namesIn(join(work, '.runs'), true)
    .filter((name) => /stages\/make\/.*results\/.*\.jsonl$/.test(name))
    .map((name) => join(work, '.runs', name));
}

function itemsUsed(work: string): number {
  const path = join(work, 'use', 'joined.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0;
}

function describe(code: number | null | undefined, work: string): string {
  return `exit code ${code}, ${itemsUsed(work)} of ${ITEMS} items went downstream`;
}
