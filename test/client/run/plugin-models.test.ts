import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadFile } from '../../../client/run/load-file.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();
const plugin = fileURLToPath(new URL('../../support/lab-model-plugin.js', import.meta.url));

function pipeline(name: string, plugins: string): string {
  const file = join(folder, name);
  const values = 'bags: null, splits: s.json, repeat: 0, fold: 0';
  writeFileSync(join(folder, 's.json'), '{}');
  writeFileSync(
    file,
    `pipeline: 1\nname: p\n${plugins}stages:\n  t: { uses: mil.train-fold, with: { ${values}, model: lab-power-mean, power: 2 } }\n`,
  );
  return file;
}

test('the models of a plugin that one file names are unknown to the next file', async () => {
  const problems = async (file: string) => {
    const loaded = await loadFile(file, {}, true);
    return loaded.problems.map(({ code }) => code).filter((code) => code !== 'missing-with');
  };
  assert.deepEqual(await problems(pipeline('with.yaml', `plugins: [${plugin}]\n`)), []);
  assert.deepEqual(await problems(pipeline('without.yaml', '')), ['bad-value', 'unknown-with']);
});
