import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { definition as heatmap } from '../../../../activities/mil/heatmap.js';
import { partsOfFolders } from '../../../../domain/pathology/annotations/outline-file.js';
import { hasCode, temporaryFolder } from '../../mil/support.js';

test('of a folder of outlines, a step reads the file named after its item or its slide', async (context) => {
  const folder = temporaryFolder(context);
  const write = (name: string, text = name) => writeFileSync(join(folder, name), text);
  for (const name of ['s1.geojson', 'B12.svs.XML', 'B13.json', 'notes.txt', '.s4.geojson']) write(name);
  const inputs = (slide: string) => ({
    annotation: { path: folder, digest: 'sha256:0', name: 'outlines' },
    slide: { path: `/slides/${slide}`, digest: 'sha256:1', name: slide },
  });
  const part = (name: string, slide: string) =>
    partsOfFolders({ inputs: inputs(slide), name }, ['annotation', 'tissue']).annotation;
  assert.equal(part('s1', 'B11.svs').name, 's1.geojson');
  assert.equal(part('s2', 'B12.svs').text, 'B12.svs.XML');
  assert.equal(part('s3', 'B13.svs').name, 'B13.json');
  assert.deepEqual(Object.keys(part('s1', 'B11.svs').covers), ['outlines s1.geojson']);
  for (const [name, slide] of [
    ['s4', 'B14.svs'],
    ['notes', 'B14.svs'],
    ['S1', 'b12.svs'],
  ]) {
    assert.equal(part(name, slide).absent, true, name);
  }
  write('B11.geojson');
  assert.throws(
    () => part('s1', 'B11.svs'),
    hasCode('InvalidInput', /several files.*s1\.geojson, B11\.geojson/),
  );

  const step = {
    parameters: {},
    inputs: inputs('B12.svs'),
    name: 's2',
    work: folder,
    items: () => Promise.resolve([]),
  };
  const parts = await heatmap.reads?.(step);
  assert.equal(parts?.annotation.name, 'B12.svs.XML', 'a heatmap reads its annotation by the same rule');
});
