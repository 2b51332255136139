import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { run } from '../../../../domain/pipeline/report/report.js';
import { makeJob, temporaryFolder } from '../../mil/support.js';
import { LARGE, writeLarge } from './large.js';
import { slideName } from './support.js';

test('9 models, 25 folds and 400 slides with pictures give a page below 10 MB that reaches every slide', async (t) => {
  const work = temporaryFolder(t);
  const parameters = await writeLarge(work, 'large');
  const job = makeJob(t, parameters, { work, name: 'report', run: 'large' });
  const page = readFileSync((await run(job)).files.report.from, 'utf8');
  assert.ok(page.length < 10e6, `${page.length} bytes`);
  for (let i = 0; i < LARGE.slides; i++) {
    const places = page.split(`>${slideName(i)}<`).length - 1;
    assert.ok(places >= 3, `${slideName(i)}: row, heatmap and preprocessing, found ${places}`);
  }
  for (const model of LARGE.models) assert.ok(page.split(model).length > 5, model);
  assert.equal(page.split('Matrix of pairwise tests').length - 1, 1);
  assert.doesNotMatch(page.replace(/<script>[^]*<\/script>/, ''), /undefined|NaN|\[object/);
});
