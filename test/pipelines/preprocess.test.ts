import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findReports } from '../../client/display/reports.js';
import { readFeatures, readPatches, writeFeatures } from '../../domain/pathology/layouts/bag-files.js';
import { parseGeoJson } from '../../domain/pathology/annotations/read-geojson.js';
import { encodePng } from '../support/pixels.js';
import { openSlide } from '../../domain/pathology/slides/open.js';
import { BUNDLED_SLIDE } from '../support/bundled.js';
import { TestEngine } from '../support/engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { planShipped } from './run-shipped.js';

/** Runs pipelines/preprocess.yaml and convert.yaml on the bundled slide with a real server and worker. */

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2 } });
});
after(() => engine?.stop());

const NAME = 'CMU-1-Small-Region';

async function finish(name: string, set: Record<string, string>, work: string) {
  const plan = await planShipped(name, set, work);
  return engine.finish({ ...plan, onFailure: 'fail' }, { run: `${name}-${runs++}` });
}
let runs = 0;

test("preprocess.yaml cuts, segments and encodes the slide; convert.yaml makes the same bag from CLAM's files", async (context) => {
  const work = temporaryFolder(context);
  const status = await finish('preprocess', { encoder: 'stain-texture' }, work);
  assert.equal(status.state, 'done', status.message);
  const made = join(work, 'preprocess');
  assert.deepEqual(readdirSync(made).sort(), [
    'h5_files',
    'masks',
    'overlays',
    'patches',
    'process_list_autogen.csv',
    'pt_files',
    'sam_info',
    'seg_files',
    'segments',
    'stitches',
  ]);
  for (const file of [`masks/${NAME}.geojson`, `segments/${NAME}.geojson`])
    assert.ok(parseGeoJson(readFileSync(join(made, file), 'utf8'), file).regions.length > 0, file);
  const page = readFileSync(join(work, 'report/report.html'), 'utf8');
  assert.match(
    page,
    new RegExp(
      `<h2 id="slides-h">Preprocessing</h2>\\s*<p class="lead">\\s*1 slide with pictures\\.\\s*</p>\\s*<h3>${NAME}</h3>`,
    ),
  );
  assert.doesNotMatch(page, /No evaluation finished/);
  // Without evaluations the terminal has no metrics table to show.
  const reports = await findReports({ work, run: status.run }, await planShipped('preprocess', {}, work));
  assert.deepEqual(reports, [
    { stage: 'report', html: join(work, 'report/report.html'), metrics: undefined },
  ]);

  // CLAM's bag: patches only, no attributes; the rest is in its patches file.
  const bag = readFeatures(join(made, `h5_files/${NAME}.h5`));
  const patches = readPatches(join(made, `patches/${NAME}.h5`)).coords.length / 2;
  assert.ok(bag.rows > patches, 'there are groups');
  const clam = join(work, 'clam');
  mkdirSync(clam);
  const features = bag.features.subarray(0, patches * bag.dim);
  writeFeatures(join(clam, `${NAME}.h5`), { ...bag, features, coords: bag.coords.subarray(0, patches * 2) });
  const converted = join(work, 'converted');
  const parameters = {
    features: clam,
    patches: join(made, 'patches'),
    segments: join(made, 'segments'),
    'process-list': join(made, 'process_list_autogen.csv'),
  };
  assert.equal((await finish('convert', parameters, converted)).state, 'done');
  for (const file of [`pt_files/${NAME}.pt`, `sam_info/${NAME}.h5`, `seg_files/${NAME}.h5`])
    assert.deepEqual(readFileSync(join(converted, 'convert', file)), readFileSync(join(made, file)), file);
  assert.deepEqual(readFeatures(join(converted, `convert/h5_files/${NAME}.h5`)), bag);
});

test("a PNG, which does not say how large its pixels are, goes through with slide-mpp; in TRIDENT's layout from patch to bag", async (context) => {
  const slides = temporaryFolder(context);
  const slide = openSlide(BUNDLED_SLIDE);
  const [width, height] = [700, 600];
  const rgb = slide.readRegion(900, 1500, 0, width, height);
  slide.close();
  writeFileSync(join(slides, 'crop.png'), await encodePng({ data: rgb, width, height, channels: 3 }));
  const work = temporaryFolder(context);
  const set = {
    slides,
    pattern: '*.png',
    'slide-mpp': '0.499',
    magnification: '10',
    'patch-size': '64',
    encoder: 'stain-texture',
    layout: 'trident',
  };
  const status = await finish('preprocess', set, work);
  assert.equal(status.state, 'done', status.message);
  const patches = readPatches(join(work, 'preprocess/patches/crop_patches.h5'));
  assert.deepEqual([patches.patchSize, patches.level0Dim], [128, [width, height]]);
  const bag = readFeatures(join(work, 'preprocess/features_stain-texture/crop.h5'));
  assert.deepEqual(bag.coords, patches.coords, 'no group rows');
  assert.deepEqual(patches.trident, {
    patchSize: 64,
    patchSizeLevel0: 128,
    level0Magnification: 20,
    targetMagnification: 10,
    overlap: 0,
  });
});

test('convert.yaml converts the bundled example unchanged; without segments there are no groups', async (context) => {
  const work = temporaryFolder(context);
  const status = await finish('convert', {}, work);
  assert.equal(status.state, 'done', status.message);
  const bag = readFeatures(join(work, `convert/h5_files/${NAME}.h5`));
  assert.deepEqual([bag.rows, bag.dim], [51 + 64, 64]);

  const bare = temporaryFolder(context);
  const none = { 'segments-ending': '', 'patches-ending': '', listed: 'false' };
  assert.equal((await finish('convert', none, bare)).state, 'done');
  assert.equal(readFeatures(join(bare, `convert/h5_files/${NAME}.h5`)).rows, 51);
  assert.equal(existsSync(join(bare, 'convert/seg_files')), false);
});
