import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import type { JobResult } from '../../../../../domain/job.js';
import type { JsonObject } from '../../../../../domain/json.js';
import { findOpenSlideLibrary } from '../../../../../domain/machine/fetch-openslide.js';
import { camelCase } from '../../../../../domain/parameters.js';
import { readMask, readPatches } from '../../../../../domain/pathology/layouts/bag-files.js';
import type { PatchWith } from '../../../../../domain/pathology/patch/parameters.js';
import { run } from '../../../../../domain/pathology/patch/patch.js';
import { BUNDLED_SLIDE } from '../../../../support/bundled.js';
import { fixture } from '../../../../support/fixtures.js';
import { inputFile, makeJob, type RecordedJob } from '../../../../support/job.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';
import { hasCode } from '../../../mil/support.js';

interface Case {
  title: string;
  files: Record<string, string>;
  with: JsonObject;
  coords: [number, number][];
}

const cases = JSON.parse(readFileSync(fixture('outlines/cases.json'), 'utf8')) as Case[];

before(() => findOpenSlideLibrary());

const DEFAULTS: Omit<PatchWith, 'slide'> = {
  preset: 'bwh_biopsy',
  patchSize: 64,
  patchLevel: 0,
  customDownsample: 1,
  layout: 'clam',
  device: 'cpu',
  aT: 0.02,
  aH: 0.01,
};

async function patch(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  given: JsonObject = {},
): Promise<{ result: JobResult; job: RecordedJob<PatchWith> }> {
  const outlines = Object.entries(files).map(async ([name, path]) => [name, await inputFile(path)] as const);
  const own = Object.entries(given).map(([name, value]) => [camelCase(name), value] as const);
  const parameters = {
    slide: await inputFile(BUNDLED_SLIDE),
    ...DEFAULTS,
    ...Object.fromEntries(own),
    ...Object.fromEntries(await Promise.all(outlines)),
  };
  const job = makeJob<PatchWith>(temporaryFolder(context), parameters, { name: 'cmu_small' });
  return { result: await run(job), job };
}

const keyed = (coords: Iterable<readonly number[]>) => [...coords].map((at) => at.join()).sort();

function pairs(coords: Int32Array): number[][] {
  return Array.from({ length: coords.length / 2 }, (_, i) => [coords[2 * i], coords[2 * i + 1]]);
}

for (const { title, files, with: given, coords } of cases) {
  test(`the patches are those that shapely finds by the same rule: ${title}`, async (context) => {
    const paths = Object.entries(files).map(([name, file]) => [name, fixture(`outlines/${file}`)] as const);
    const { result, job } = await patch(context, Object.fromEntries(paths), given);
    assert.deepEqual(keyed(pairs(readPatches(result.files.patches.from).coords)), keyed(coords));
    assert.deepEqual(Object.keys(result.values?.outlines as JsonObject).sort(), Object.keys(files).sort());
    const clipped = job.lines.filter(({ message }) => message.includes('were clipped'));
    assert.equal(clipped.length, /crosses|touches|leaves/.test(title) ? 1 : 0);
  });
}

const rectangle = (x: number, y: number, width: number, height: number) => ({
  type: 'Feature',
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [x, y],
        [x + width, y],
        [x + width, y + height],
        [x, y + height],
        [x, y],
      ],
    ],
  },
  properties: { classification: { name: 'Tissue' } },
});

function write(context: TestContext, ...features: object[]): string {
  const path = join(temporaryFolder(context), 'slide.geojson');
  writeFileSync(path, JSON.stringify(features));
  return path;
}

test('the mask file holds the outlines and the pixels inside them', async (context) => {
  const { result } = await patch(context, { tissue: write(context, rectangle(100, 200, 640, 512)) });
  const { mask, width, points, parent } = readMask(result.files.mask.from);
  assert.deepEqual([...points], [100, 200, 740, 200, 740, 712, 100, 712]);
  assert.deepEqual([...parent], [-1]);
  const tissue = mask.reduce((sum, value) => sum + (value === 255 ? 1 : 0), 0);
  assert.equal(tissue, 640 * 512);
  assert.deepEqual(
    [mask[200 * width + 100], mask[199 * width + 100], mask[711 * width + 739]],
    [255, 0, 255],
  );
});

test('a file without outlines means no tissue; outlines outside the slide or of other classes are refused', async (context) => {
  const empty = await patch(context, { tissue: write(context) });
  assert.equal(empty.result.skip, 'no_tissue');
  await assert.rejects(
    patch(context, { tissue: write(context, rectangle(3000, 100, 500, 500)) }),
    hasCode('InvalidInput', /encloses nothing of the slide: Tissue.*x from 0 to 2220.*x from 3000 to 3500/),
  );
  const tissue = write(context, rectangle(0, 0, 500, 500));
  await assert.rejects(
    patch(context, { tissue }, { classes: ['Tumor'] }),
    hasCode('InvalidInput', /no outline of the file counts as `tissue`.*"left-out":\{"Tissue":1\}/),
  );
  const { job } = await patch(context, { exclude: tissue }, { 'exclude-classes': ['Pen'] });
  assert.ok(job.lines.some(({ level, message }) => level === 'warn' && message.includes('`exclude`')));
});

test('outlines that a-t leaves out are named in the log', async (context) => {
  const file = write(context, rectangle(0, 0, 600, 600), rectangle(900, 900, 50, 50));
  const { job } = await patch(context, { tissue: file });
  const left = job.lines.filter(({ message }) => message.includes('a-t'));
  assert.deepEqual(
    left.map(({ level, facts }) => [level, facts]),
    [['warn', { small: 1 }]],
  );
});

test('the mask picture shows regions of interest in yellow and excluded ones in red', async (context) => {
  const roi = write(context, rectangle(400, 400, 1200, 1200));
  const exclude = write(context, rectangle(800, 800, 300, 300));
  const { result } = await patch(context, { roi, exclude }, { 'line-thickness': 12 });
  const { data, info } = await sharp(result.files['mask-image'].from)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  const [yellow, red] = [at(200, 500), at(400, 475)];
  assert.ok(yellow[0] > 200 && yellow[1] > 150 && yellow[2] < 90, yellow.join());
  assert.ok(red[0] > 180 && red[1] < 90 && red[2] < 90, red.join());
});
