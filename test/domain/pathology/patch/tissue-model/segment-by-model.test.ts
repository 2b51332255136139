import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { findOpenSlideLibrary } from '../../../../../domain/machine/fetch-openslide.js';
import { OnnxGraph } from '../../../../../domain/machine/onnx/onnx-graph.js';
import { ResampledSlide } from '../../../../../domain/pathology/patch/tissue-model/resampled-slide.js';
import {
  type ModelMask,
  type ModelWork,
  segmentByModel,
} from '../../../../../domain/pathology/patch/tissue-model/segment-by-model.js';
import { planTiles } from '../../../../../domain/pathology/patch/tissue-model/tile-plan.js';
import { readTissueModel } from '../../../../../domain/pathology/patch/tissue-model/tissue-model.js';
import { openTissueNetwork } from '../../../../../domain/pathology/patch/tissue-model/tissue-network.js';
import { tissueOfMask } from '../../../../../domain/pathology/patch/tissue/find-tissue.js';
import { presetParameters } from '../../../../../domain/pathology/patch/tissue/parameters.js';
import { openSlide } from '../../../../../domain/pathology/slides/open.js';
import { BUNDLED_SLIDE } from '../../../../support/bundled.js';
import { writeHugeSlide } from '../../../../support/huge-slide.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';
import { TINY_WINDOW, tinyTissueModel, writeTinyTissueModel } from '../../../../support/tiny-tissue-model.js';

before(() => findOpenSlideLibrary());

async function segment(
  context: TestContext,
  changes: Record<string, unknown>,
  work: Partial<ModelWork> = {},
  slidePath = BUNDLED_SLIDE,
  model = tinyTissueModel(),
): Promise<ModelMask> {
  const folder = temporaryFolder(context);
  const tissue = readTissueModel(writeTinyTissueModel(folder, changes, model));
  const network = await openTissueNetwork(tissue, { device: 'cpu', threads: 2 });
  const slide = openSlide(slidePath);
  try {
    return await segmentByModel(slide, {
      network,
      file: tissue.file,
      downsample: 8.016,
      signal: new AbortController().signal,
      checkpoint: folder,
      progress: () => undefined,
      ...work,
    });
  } finally {
    slide.close();
    await network.close();
  }
}

function differences(a: ModelMask, b: ModelMask): number {
  assert.deepEqual([a.width, a.height, a.downsample], [b.width, b.height, b.downsample]);
  return a.classes.reduce((sum, is, i) => sum + (is === b.classes[i] ? 0 : 1), 0);
}

test('tiles give the mask of one forward of the whole slide, without seams; tiles without margin do not', async (context) => {
  const whole = await segment(context, { size: 512, margin: 64 });
  assert.equal(whole.classes.length, 277 * 371);
  assert.ok(whole.classes.some((is) => is === 1) && whole.classes.some((is) => is === 0));
  for (const changes of [{ size: 64 }, { size: 50, margin: 5 }, { size: 96, margin: 13 }]) {
    assert.ok(differences(await segment(context, changes), whole) <= 2, JSON.stringify(changes));
  }
  assert.ok(differences(await segment(context, { size: 64, margin: 0 }), whole) > 50);
});

test('a square of a slide has the same pixels whichever square it is read in', () => {
  const slide = openSlide(BUNDLED_SLIDE);
  for (const downsample of [1, 1.7, 4, 8.016, 31]) {
    const image = new ResampledSlide(slide, downsample);
    const [side, shift] = [60, 7];
    const first = image.read(3, 2, side);
    const second = image.read(3 + shift, 2 + shift, side);
    for (let y = 10; y < 40; y++) {
      const row = (rgb: Uint8Array, at: number) =>
        rgb.subarray((y - at) * side * 3 + (10 - at) * 3, (y - at) * side * 3 + (40 - at) * 3);
      assert.deepEqual(row(second, shift), row(first, 0), `${downsample}`);
    }
    const outside = image.read(image.width, 0, 8);
    assert.ok(outside.every((value) => value === 255));
  }
  slide.close();
});

test('means of scores make a coarser mask if the slide is large, and softmax in the model changes nothing', async (context) => {
  const fine = await segment(context, {});
  const coarse = await segment(context, {}, { limit: 20_000 });
  assert.deepEqual([coarse.reduction, coarse.width, coarse.height], [4, 70, 93]);
  assert.deepEqual(coarse.downsample, [8.016 * 4, 8.016 * 4]);
  const share = (mask: ModelMask) => mask.classes.filter((is) => is === 1).length / mask.classes.length;
  assert.ok(Math.abs(share(coarse) - share(fine)) < 0.03);
  const inside = await segment(context, { activation: 'none' }, {}, BUNDLED_SLIDE, tinyTissueModel(true));
  assert.ok(differences(inside, fine) <= 2);
});

test('channels last, blue first and one class by sigmoid give the same mask as the plain model', async (context) => {
  const plain = await segment(context, { artifact: [], threshold: 0.6 });
  const tissueOnly = (mask: ModelMask) => ({
    ...mask,
    classes: mask.classes.map((is) => (is === 1 ? 1 : 0)),
  });
  for (const [changes, model] of [
    [{ axes: 'nhwc' }, redOverGreen({ nhwc: true })],
    [{ channels: 'bgr' }, redOverGreen({ bgr: true })],
    [{ channels: 'bgr', axes: 'nhwc' }, redOverGreen({ bgr: true, nhwc: true })],
    [{}, redOverGreen({})],
  ] as const) {
    const one = { classes: ['tissue'], artifact: [], activation: 'sigmoid', threshold: 0.6, ...changes };
    const found = await segment(context, one, {}, BUNDLED_SLIDE, model);
    const differing = differences(tissueOnly(found), tissueOnly(plain));
    assert.ok(differing <= plain.classes.length / 1000, `${JSON.stringify(changes)}: ${differing}`);
    assert.ok(found.classes.some((is) => is === 1));
  }
});

test('an output of a quarter of the tile gives a mask of that resolution without seams', async (context) => {
  const model = redOverGreen({ stride: 4 });
  const one = { classes: ['tissue'], artifact: [], activation: 'sigmoid' };
  const whole = await segment(context, { ...one, size: 512, margin: 64 }, {}, BUNDLED_SLIDE, model);
  assert.deepEqual([whole.width, whole.height, whole.reduction], [70, 93, 1]);
  assert.deepEqual(whole.downsample, [8.016 * 4, 8.016 * 4]);
  const tiled = await segment(context, { ...one, size: 64, margin: 6 }, {}, BUNDLED_SLIDE, model);
  assert.ok(differences(tiled, whole) <= 2);
});

/** The score of the tiny model for tissue as the only class, exported in various ways. */
function redOverGreen({ nhwc = false, bgr = false, stride = 1 }): Uint8Array {
  const graph = new OnnxGraph('red-over-green');
  const sides = ['h', 'w'];
  let value = graph.input('pixels', nhwc ? ['n', ...sides, 3] : ['n', 3, ...sides]);
  if (nhwc) value = graph.node('Transpose', [value], { perm: [0, 3, 1, 2] });
  const colors = bgr ? [0, -10, 10] : [10, -10, 0];
  const weights = colors.flatMap((weight) => Array<number>(TINY_WINDOW ** 2).fill(weight / TINY_WINDOW ** 2));
  const kernel = graph.constant(weights, [1, 3, TINY_WINDOW, TINY_WINDOW]);
  const pads = Array<number>(4).fill(TINY_WINDOW >> 1);
  value = graph.node('Conv', [value, kernel, graph.constant([-2.5], [1])], {
    pads,
    strides: [stride, stride],
  });
  if (nhwc) value = graph.node('Transpose', [value], { perm: [0, 2, 3, 1] });
  graph.output(value, nhwc ? ['n', 'a', 'b', 1] : ['n', 1, 'a', 'b']);
  return graph.encode();
}

test('the used parts of tiles cover a slide without gap or overlap for any stride', () => {
  for (const [size, margin, stride] of [
    [512, undefined, 1],
    [512, 64, 4],
    [500, 63, 4],
    [224, 0, 32],
    [7, 3, 1],
  ] as const) {
    const plan = planTiles([3001, 1999], { size, margin, stride }, 1e5);
    assert.equal(plan.core % (stride * plan.reduction), 0);
    assert.equal(plan.lead % stride, 0);
    assert.ok(plan.lead >= (margin ?? 64) && size - plan.lead - plan.core >= (margin ?? 64));
    assert.ok(plan.columns * plan.core >= 3001 && (plan.columns - 1) * plan.core < 3001);
  }
});

test('an aborted run keeps its finished rows of tiles and continues after them with the same mask', async (context) => {
  const expected = await segment(context, {});
  const checkpoint = temporaryFolder(context);
  const controller = new AbortController();
  let done = 0;
  const stop = {
    checkpoint,
    signal: controller.signal,
    progress: (tiles: number, total: number) => {
      done = tiles;
      if (tiles > total / 2) controller.abort(new Error('stopped by a person'));
    },
  };
  await assert.rejects(segment(context, {}, stop), /stopped by a person/);
  const reports: number[] = [];
  const resumed = await segment(context, {}, { checkpoint, progress: (tiles) => void reports.push(tiles) });
  assert.deepEqual(resumed, expected);
  const columns = Math.ceil(277 / 48);
  const computed = reports.length - Math.ceil(371 / 48);
  assert.ok(computed <= Math.ceil(371 / 48) * columns - done + columns, `${computed} tiles computed again`);
});

test('a slide of 100,000 x 100,000 pixels needs less than 200 MB, with its outlines', async (context) => {
  const path = join(temporaryFolder(context), 'huge.tif');
  await writeHugeSlide(path, { side: 100_000, tile: 512, levels: 3, mpp: 0.25 });
  const before = process.memoryUsage.rss();
  let most = 0;
  const progress = () => void (most = Math.max(most, process.memoryUsage.rss()));
  const found = await segment(context, { size: 512 }, { downsample: 32, progress }, path);
  const mask = found.classes.map((is) => (is === 1 ? 255 : 0));
  const slide = openSlide(path);
  const tissue = tissueOfMask(slide, { ...found, mask }, presetParameters('default'));
  slide.close();
  progress();
  assert.equal(found.classes.length, 3125 ** 2);
  assert.deepEqual([tissue.contours.length, tissue.contours[0].holes.length], [1, 1], 'a disc with a hole');
  assert.ok((most - before) / 2 ** 20 < 200, `${(most - before) / 2 ** 20} MB`);
});

test('a slide of 8,192 pixels in one level needs less than 200 MB', async (context) => {
  const path = join(temporaryFolder(context), 'huge.tif');
  await writeHugeSlide(path, { side: 8_192, tile: 512, levels: 0, mpp: 0.25 });
  const before = process.memoryUsage.rss();
  let most = 0;
  const progress = () => void (most = Math.max(most, process.memoryUsage.rss()));
  const mask = await segment(context, { size: 256 }, { downsample: 16, progress }, path);
  assert.deepEqual([mask.width, mask.height], [512, 512]);
  const at = (x: number, y: number) => mask.classes[y * 512 + x];
  assert.deepEqual([at(256, 256), at(150, 256), at(5, 5)], [0, 1, 0], 'hole, disc, glass');
  assert.ok((most - before) / 2 ** 20 < 200, `${(most - before) / 2 ** 20} MB`);
});
