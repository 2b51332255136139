import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { findOpenSlideLibrary } from '../../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../../domain/pathology/slides/open.js';
import { PRESETS } from '../../../../../domain/pathology/patch/tissue/parameters.js';
import { patchGrid } from '../../../../../domain/pathology/patch/patch-grid.js';
import { readSaturation } from '../../../../../domain/pathology/patch/tissue/read-tissue-level.js';
import { segmentTissue, tissueMask } from '../../../../../domain/pathology/patch/tissue/find-tissue.js';
import { traceContours } from '../../../../../domain/pathology/patch/tissue/trace-contours.js';
import { BUNDLED_SLIDE } from '../../../../support/bundled.js';
import { fixture } from '../../../../support/fixtures.js';

interface MaskReference {
  mask_sha1: string;
  contours: number;
  contour_points_sha1: string;
  hierarchy_sha1: string;
}

const read = (name: string) => JSON.parse(readFileSync(fixture(`tissue/${name}`), 'utf8')) as unknown;
const masks = read('cv2_masks_CMU-1-Small-Region.json') as Record<string, MaskReference>;
const patches = read('clam_patches_CMU-1-Small-Region.json') as Record<string, { coords: number[][] | null }>;

const sha1 = (data: Uint8Array | Int32Array) => createHash('sha1').update(data).digest('hex').slice(0, 12);
const { signal } = new AbortController();

before(() => findOpenSlideLibrary());

test('masks, contours and hierarchy equal those of cv2 for every preset, fixed and Otsu', async () => {
  const slide = openSlide(BUNDLED_SLIDE);
  const image = await readSaturation(slide, 0, { signal });
  slide.close();
  const names = Object.keys(masks).filter((name) => name.includes('/'));
  assert.equal(names.length, 6);
  for (const name of names) {
    const [preset, kind] = name.split('/');
    const mask = tissueMask(image, { ...PRESETS[preset], useOtsu: kind === 'otsu' });
    const { outlines, hierarchy } = traceContours(mask, image.width, image.height);
    const points = Int32Array.from(outlines.flatMap((outline) => [...outline]));
    const found: MaskReference = {
      mask_sha1: sha1(mask),
      contours: outlines.length,
      contour_points_sha1: sha1(points),
      hierarchy_sha1: sha1(hierarchy),
    };
    assert.deepEqual(found, masks[name], name);
  }
});

test('patch coordinates equal those of CLAM for every preset and size, including slides without tissue', async () => {
  const slide = openSlide(BUNDLED_SLIDE);
  assert.equal(Object.keys(patches).length, 6);
  for (const [name, { coords }] of Object.entries(patches)) {
    const [preset, size] = name.split('/');
    const parameters = PRESETS[preset];
    const { contours } = await segmentTissue(slide, parameters, { signal });
    const { width, height } = slide.info.levels[0];
    const grid = { ...parameters, patchSize: Number(size), stepSize: Number(size) };
    const found = patchGrid(contours, slide.info.levels[0], [width, height], grid);
    assert.deepEqual([...found], (coords ?? []).flat(), name);
    assert.equal(contours.length === 0, coords === null, name);
  }
  slide.close();
});
