import assert from 'node:assert/strict';
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { findOpenSlideLibrary } from '../../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../../domain/pathology/slides/open.js';
import { PictureBuilder } from '../../../../../domain/pathology/patch/tissue/overview.js';
import { patchGrid } from '../../../../../domain/pathology/patch/patch-grid.js';
import { choosePatchScale } from '../../../../../domain/pathology/patch/patch-scale.js';
import { readSaturation } from '../../../../../domain/pathology/patch/tissue/read-tissue-level.js';
import type { Slide } from '../../../../../domain/pathology/slides/slide.js';
import { writeHugeSlide } from '../../../../support/huge-slide.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

before(() => findOpenSlideLibrary());

const never = new AbortController().signal;

async function scan(slide: Slide, threads: number) {
  const picture = new PictureBuilder(slide, 0);
  const image = await readSaturation(slide, 0, { signal: never, limit: 1e6, threads, picture });
  return { image, picture: picture.picture };
}

test('several threads read the same as one, and a damaged tile stops all with the file name', async (context) => {
  const path = join(temporaryFolder(context), 'slide.tif');
  await writeHugeSlide(path, { side: 5000, tile: 256, levels: 0 });
  const slide = openSlide(path);
  const alone = await scan(slide, 1);
  assert.deepEqual([alone.image.width, alone.image.reduction, alone.picture.width], [79, 64, 1250]);
  assert.ok(alone.image.values.some((value) => value > 40) && alone.image.values.some((value) => value < 5));
  assert.deepEqual(await scan(slide, 3), alone);

  const aborted = AbortSignal.abort(new Error('stopped by a person'));
  await assert.rejects(readSaturation(slide, 0, { signal: aborted, threads: 2 }), /stopped by a person/);
  slide.close();

  const bytes = readFileSync(path);
  bytes.fill(0, bytes.indexOf('ffda', 0, 'hex') - 200, bytes.indexOf('ffda', 0, 'hex') + 20);
  const damaged = join(path, '..', 'damaged.tif');
  writeFileSync(damaged, bytes);
  const broken = openSlide(damaged);
  await assert.rejects(scan(broken, 2), {
    name: 'CorruptSlide',
    message: /damaged\.tif: .*damaged: reading/,
  });
  broken.close();
});

test('reads patches of any resolution from the deepest level that is fine enough', async (context) => {
  const path = join(temporaryFolder(context), 'pyramid.tif');
  await writeHugeSlide(path, { side: 4096, tile: 256, levels: 2, mpp: 0.25 });
  const slide = openSlide(path);
  const scale = (wish: { mpp?: number; magnification?: number; slideMpp?: number }) => {
    const { patchLevel, patchSize, stepSize } = choosePatchScale(slide, {
      customDownsample: 1,
      patchSize: 256,
      stepSize: 128,
      patchLevel: 0,
      ...wish,
    });
    return [patchLevel, patchSize, stepSize];
  };
  assert.deepEqual(scale({ magnification: 40 }), [0, 256, 128]);
  assert.deepEqual(scale({ magnification: 20 }), [0, 512, 256]);
  assert.deepEqual(scale({ magnification: 10 }), [1, 256, 128]);
  assert.deepEqual(scale({ magnification: 7 }), [1, 366, 183], 'a ratio of 1.43');
  assert.deepEqual(scale({ mpp: 0.99 }), [1, 253, 127], 'nearly the level');
  assert.deepEqual(scale({ mpp: 0.9 }), [0, 922, 461], 'finer than the level');
  assert.deepEqual(scale({ mpp: 5 }), [2, 320, 160]);
  assert.deepEqual(scale({ magnification: 80 }), [0, 128, 64], 'finer than the slide');
  assert.deepEqual(scale({ mpp: 0.5, slideMpp: 0.5 }), [0, 256, 128], 'what the pipeline says counts');
  slide.close();
});

test('neighbors at a requested resolution do not overlap on a level of 3.99; at a level they match CLAM', () => {
  const outline = Int32Array.of(0, 0, 4100, 0, 4100, 4100, 0, 4100);
  const level = { width: 1028, height: 1028, downsample: [3.99, 3.99] as const };
  const grid = { patchSize: 256, stepSize: 256, contourFn: 'basic', usePadding: true } as const;
  const columns = (exact: boolean) => {
    const coords = patchGrid([{ outline, holes: [] }], level, [4101, 4101], { ...grid, exact });
    return [...new Set(coords.filter((_, i) => i % 2 === 0))];
  };
  assert.deepEqual(columns(true), [0, 1021, 2042, 3063, 4084]);
  assert.deepEqual(columns(false), [0, 768, 1536, 2304, 3072, 3840]);
});
