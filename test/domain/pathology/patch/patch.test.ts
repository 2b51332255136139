import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { digestOf } from '../../../../domain/digest.js';
import { readMask, readPatches, readStitch } from '../../../../domain/pathology/layouts/bag-files.js';
import { tissueBounds } from '../../../../domain/pathology/layouts/tissue-box.js';
import type { JobResult } from '../../../../domain/job.js';
import { parseGeoJson } from '../../../../domain/pathology/annotations/read-geojson.js';
import { outlineArea } from '../../../../domain/pathology/patch/tissue/polygon.js';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { run } from '../../../../domain/pathology/patch/patch.js';
import { presetParameters } from '../../../../domain/pathology/patch/tissue/parameters.js';
import type { PatchWith } from '../../../../domain/pathology/patch/parameters.js';
import { choosePatchScale } from '../../../../domain/pathology/patch/patch-scale.js';
import { readSaturation } from '../../../../domain/pathology/patch/tissue/read-tissue-level.js';
import { BUNDLED_SLIDE } from '../../../support/bundled.js';
import { fixture } from '../../../support/fixtures.js';
import { inputFile, makeJob, type RecordedJob } from '../../../support/job.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const reference = JSON.parse(
  readFileSync(fixture('tissue/clam_patches_CMU-1-Small-Region.json'), 'utf8'),
) as Record<string, { coords: number[][]; attrs: Record<string, unknown> }>;

before(() => findOpenSlideLibrary());

const DEFAULTS: Omit<PatchWith, 'slide'> = {
  preset: 'bwh_biopsy',
  patchSize: 256,
  patchLevel: 0,
  customDownsample: 1,
  layout: 'clam',
  device: 'auto',
};

async function patch(
  context: TestContext,
  parameters: Partial<PatchWith>,
  path = BUNDLED_SLIDE,
): Promise<{ result: JobResult; job: RecordedJob<PatchWith> }> {
  const given = { slide: await inputFile(path), ...DEFAULTS, ...parameters };
  const job = makeJob<PatchWith>(temporaryFolder(context), given, { name: 'cmu_small' });
  return { result: await run(job), job };
}

const outputs = ({ files }: JobResult) =>
  Object.fromEntries(Object.entries(files).map(([name, { to }]) => [name, to]));

test('writes files with the names, coordinates and attributes of CLAM and the same bits each time', async (context) => {
  const { result, job } = await patch(context, {});
  assert.deepEqual(outputs(result), {
    patches: 'patches/cmu_small.h5',
    mask: 'masks/cmu_small.h5',
    'mask-image': 'masks/cmu_small.jpg',
    stitch: 'stitches/cmu_small.h5',
    'stitch-image': 'stitches/cmu_small.jpg',
    'tissue-geojson': 'masks/cmu_small.geojson',
  });
  assert.equal(result.skip, undefined);
  assert.equal(result.values?.count, 50);
  assert.equal(result.values?.status, 'processed');
  assert.deepEqual(job.reports.at(-1), { unit: 'steps', done: 4, total: 4, note: '50 patches' });

  const { coords, attrs } = reference['bwh_biopsy/256'];
  const { coords: found, tissueBox, ...rest } = readPatches(result.files.patches.from);
  assert.deepEqual(tissueBox, tissueBounds([readMask(result.files.mask.from).points]));
  assert.deepEqual([...found], coords.flat());
  assert.deepEqual(rest, {
    patchSize: attrs.patch_size,
    patchLevel: attrs.patch_level,
    downsample: attrs.downsample,
    levelDim: attrs.downsampled_level_dim,
    level0Dim: attrs.level_dim,
    name: attrs.name,
    savePath: 'patches',
  });

  const again = await patch(context, {});
  for (const [name, { from }] of Object.entries(result.files)) {
    assert.equal(digestOf(readFileSync(again.result.files[name].from)), digestOf(readFileSync(from)), name);
  }
});

test('the mask file contains outlines whose patches are tissue, and the pictures show them', async (context) => {
  const { result } = await patch(context, {});
  const mask = readMask(result.files.mask.from);
  assert.deepEqual([mask.width, mask.height, mask.segLevel, mask.downsample], [2220, 2967, 0, [1, 1]]);
  assert.deepEqual([...mask.parent], [-1]);
  for (let i = 0; i < mask.points.length; i += 2 * 97) {
    assert.equal(
      mask.mask[mask.points[i + 1] * mask.width + mask.points[i]],
      255,
      'outlines run on tissue pixels',
    );
  }
  const stitch = readStitch(result.files.stitch.from);
  assert.deepEqual([stitch.width, stitch.height, stitch.downsample], [1110, 1484, [2, 2]]);
  const shown = (x: number, y: number) => stitch.pixels.subarray((y * 1110 + x) * 3, (y * 1110 + x) * 3 + 3);
  assert.deepEqual([...shown(10, 10)], [0, 0, 0], 'outside patches');
  assert.ok(
    shown((1088 + 128) / 2, (1606 + 128) / 2).some((value) => value > 60),
    'inside a patch',
  );

  const { data, info } = await sharp(result.files['mask-image'].from)
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [1110, 1484]);
  let green = 0;
  for (let i = 0; i < data.length; i += 3) if (data[i + 1] > 200 && data[i] < 90 && data[i + 2] < 90) green++;
  assert.ok(green > 3000, `${green} pixels of outline`);
});

test('a slide with too little tissue ends as no_tissue and keeps the mask as evidence', async (context) => {
  const { result, job } = await patch(context, { preset: 'tcga', patchSize: 512 });
  assert.equal(result.skip, 'no_tissue');
  assert.equal(result.values?.status, 'no_tissue');
  assert.equal(result.values?.count, 0);
  assert.deepEqual(Object.keys(result.files), ['mask', 'mask-image', 'tissue-geojson']);
  assert.equal(readMask(result.files.mask.from).parent.length, 0);
  assert.equal(job.lines[0].level, 'warn');
});

test('parameters override the preset, and a row of the process list overrides both', async (context) => {
  const list = join(temporaryFolder(context), 'list.csv');
  writeFileSync(
    list,
    'slide_id,process,status,a_t,contour_fn\nCMU-1-Small-Region,1,tbp,1.0,\nother.svs,0,tbp,,\n',
  );
  const { result } = await patch(context, {
    preset: 'tcga',
    sthresh: 15,
    mthresh: 11,
    close: 2,
    aT: 50,
    contourFn: 'four_pt_hard',
    processList: await inputFile(list),
  });
  const row = result.values?.parameters as Record<string, string>;
  assert.deepEqual(
    [row.a_t, row.sthresh, row.a_h, row.contour_fn, row.slide_id],
    ['1', '15', '4', 'four_pt_hard', 'CMU-1-Small-Region.svs'],
  );
  const found = readPatches(result.files.patches.from).coords;
  const any = new Set(reference['bwh_biopsy/256'].coords.map(String));
  const hard = Array.from({ length: found.length / 2 }, (_, i) => `${found[2 * i]},${found[2 * i + 1]}`);
  assert.ok(
    hard.length > 0 && hard.length < any.size && hard.every((patch) => any.has(patch)),
    `${hard.length}`,
  );
});

test('a preset can be a CSV file, and process 0 excludes a slide unless it was finished before', async (context) => {
  const folder = temporaryFolder(context);
  const preset = join(folder, 'mine.csv');
  writeFileSync(
    preset,
    'seg_level,sthresh,mthresh,close,use_otsu,a_t,a_h,max_n_holes,keep_ids\n-1,15,11,2,FALSE,1,1,2,none\n',
  );
  const list = join(folder, 'list.csv');
  const parameters = async (status: string) => {
    writeFileSync(list, `slide_id,process,status\nCMU-1-Small-Region.svs,0,${status}\n`);
    return { preset: await inputFile(preset), processList: await inputFile(list) };
  };
  const left = await patch(context, await parameters('tbp'));
  assert.deepEqual(left.result.files, {});
  assert.match(left.result.skip!, /process is 0 in list/);
  const kept = await patch(context, await parameters('processed'));
  assert.equal(kept.result.values?.count, 50);
});

test('keeps and excludes contours by id, and refuses unknown ids and levels', async (context) => {
  await assert.rejects(patch(context, { keepIds: [3] }), {
    name: 'InvalidInput',
    message: /expected 0 to 0.*found 3/,
  });
  await assert.rejects(patch(context, { segLevel: 2 }), {
    name: 'InvalidInput',
    message: /no level 2.*level 0/,
  });
  await assert.rejects(patch(context, { mthresh: 4 }), {
    name: 'InvalidInput',
    message: /mthresh.*odd number.*found 4/,
  });
  assert.throws(() => presetParameters('tgca'), { name: 'InvalidInput', message: /"tgca".*tcga/ });
  const { result } = await patch(context, { excludeIds: [0] });
  assert.equal(result.skip, 'no_tissue');
});

test('magnification and mpp choose level and size; a slide without resolution is refused by name', async (context) => {
  const slide = openSlide(BUNDLED_SLIDE);
  const wish = { patchSize: 256, patchLevel: 0, customDownsample: 1 };
  const sizes = (more: object) => {
    const { patchLevel, patchSize, stepSize } = choosePatchScale(slide, { ...wish, ...more });
    return [patchLevel, patchSize, stepSize];
  };
  assert.deepEqual(sizes({}), [0, 256, 256]);
  assert.deepEqual(sizes({ mpp: 0.998, stepSize: 128 }), [0, 512, 256]);
  assert.deepEqual(sizes({ customDownsample: 2, stepSize: 128 }), [0, 512, 256]);
  assert.throws(() => sizes({ customDownsample: 2, mpp: 1 }), {
    name: 'InvalidInput',
    message: /only one of `magnification`/,
  });
  assert.deepEqual(
    sizes({ magnification: 20 }),
    [0, 256, 256],
    'scanned at 20x, though its pixels measure 0.499 um',
  );
  assert.deepEqual(sizes({ magnification: 10 }), [0, 512, 512]);
  assert.deepEqual(sizes({ mpp: 1 }), [0, 513, 513], 'a resolution is meant to the digit');
  assert.deepEqual(sizes({ magnification: 10, slideMpp: 0.25 }), [0, 1024, 1024]);
  assert.deepEqual(sizes({ magnification: 10, slideMpp: 0.2527 }), [0, 1024, 1024], 'what people call 40x');
  assert.deepEqual(sizes({ magnification: 10, slideMpp: 0.35 }), [0, 731, 731], 'no objective has that');
  assert.throws(() => sizes({ mpp: 1, magnification: 10 }), {
    name: 'InvalidInput',
    message: /only one of `magnification`/,
  });
  slide.close();

  const png = join(temporaryFolder(context), 'plain.png');
  await sharp({ create: { width: 64, height: 64, channels: 3, background: '#a05080' } })
    .png()
    .toFile(png);
  await assert.rejects(patch(context, { mpp: 0.5 }, png), {
    name: 'MissingMagnification',
    message: /plain\.png.*openslide\.mpp-x = .*none of .*openslide\.objective-power.*set `slide-mpp`/,
  });
  const told = await patch(context, { mpp: 0.5, slideMpp: 0.5, patchSize: 32, aT: 0.001 }, png);
  assert.equal(told.result.values?.count, 4);
});

test('downsamples a level that is too large while reading it', async () => {
  const slide = openSlide(BUNDLED_SLIDE);
  const seen: number[][] = [];
  const { signal } = new AbortController();
  const onProgress = (...counts: number[]) => seen.push(counts);
  const image = await readSaturation(slide, 0, { signal, limit: 1e6, onProgress });
  assert.deepEqual([image.width, image.height, image.reduction, image.downsample], [35, 47, 64, [64, 64]]);
  assert.deepEqual(seen, [[1, 1]]);
  const tissue = image.values.reduce((count, value) => count + (value > 15 ? 1 : 0), 0) / image.values.length;
  assert.ok(tissue > 0.25 && tissue < 0.6, `${tissue} of the slide is tissue`);
  slide.close();
});

test('cancellation stops between two pieces', async (context) => {
  const control = new AbortController();
  const given = { slide: await inputFile(BUNDLED_SLIDE), ...DEFAULTS };
  const job = makeJob<PatchWith>(temporaryFolder(context), given, { signal: control.signal });
  control.abort(new Error('cancelled by a person'));
  await assert.rejects(run(job), /cancelled by a person/);
});

test('QuPath tissue outlines equal the mask file, closed and without points on straight lines', async (context) => {
  const { result } = await patch(context, {});
  const { regions } = parseGeoJson(readFileSync(result.files['tissue-geojson'].from, 'utf8'), 'tissue');
  const { points, offsets, parent } = readMask(result.files.mask.from);
  const outlines = [...parent.keys()].map((i) => points.subarray(2 * offsets[i], 2 * offsets[i + 1]));
  const area = (ring: ArrayLike<number>) => outlineArea(Int32Array.from(ring));
  assert.deepEqual(
    regions.flatMap(({ rings }) => rings.map((ring) => area(ring.flat()))),
    outlines.map(area),
  );
  assert.ok(outlines.length > 0);
  for (const { rings, group } of regions) {
    assert.equal(group, 'Tissue');
    for (const ring of rings) assert.deepEqual(ring.at(-1), ring[0]);
  }
  const count = regions.flatMap(({ rings }) => rings).reduce((sum, ring) => sum + ring.length, 0);
  assert.ok(count < points.length / 2);
});

test('layout trident writes the names and facts of TRIDENT and CLAM, and both read back the same patches', async (context) => {
  const wish = { magnification: 10, patchSize: 128, stepSize: 96 };
  const { result } = await patch(context, { ...wish, layout: 'trident' });
  assert.equal(result.files.patches.to, 'patches/cmu_small_patches.h5');
  const { result: clam } = await patch(context, wish);
  const { trident, ...found } = readPatches(result.files.patches.from);
  assert.deepEqual(found, readPatches(clam.files.patches.from));
  // The slide was scanned at 20x, so 128 requested pixels at 10x are 256 read pixels, as in TRIDENT.
  assert.deepEqual(trident, {
    patchSize: 128,
    patchSizeLevel0: 256,
    level0Magnification: 20,
    targetMagnification: 10,
    overlap: 32,
  });
  const { result: other } = await patch(context, { ...wish, slideMpp: 0.25, layout: 'trident' });
  assert.equal(readPatches(other.files.patches.from).trident?.level0Magnification, 40, 'as slide-mpp says');
});
