import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { colormap, colorStops } from '../../../../domain/mil/heatmap/colormap.js';
import {
  outlineRegions,
  overlayScores,
  slideThumbnail,
} from '../../../../domain/mil/heatmap/heatmap-overlay.js';
import { lesionFit, paintScores, scaleScores } from '../../../../domain/mil/heatmap/heatmap-scores.js';
import { shownClass, type HeatmapScore } from '../../../../domain/mil/heatmap/shown-class.js';
import type { Target } from '../../../../domain/mil/targets/target.js';
import { meanOfSlideScores, slideScore } from '../../../../domain/mil/heatmap/slide-score.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { checkout } from '../../../support/fixtures.js';
import { hasCode } from '../support.js';

const cmu = join(checkout, 'pipelines', 'data', 'slides', 'CMU-1-Small-Region.svs');

test('ranks are spread evenly, ranges are stretched, probabilities are unchanged', () => {
  assert.deepEqual([...scaleScores([3, 1, 1, 100], 'rank')], [2 / 3, 1 / 6, 1 / 6, 1]);
  assert.deepEqual([...scaleScores([3, 1, 5], 'range')], [0.5, 0, 1]);
  assert.deepEqual([...scaleScores([0.2, 1.5], 'none')], [0.2, 1]);
  assert.deepEqual([...scaleScores([7, 7], 'range')], [0.5, 0.5]);
  assert.deepEqual([...scaleScores([7, 7], 'rank')], [0.5, 0.5]);
});

test('overlapping patches are averaged or the last one wins, and empty cells are NaN', () => {
  // Two patches of 4 level-0 pixels, overlapping by 2, on a grid with one cell per 2 pixels.
  const paint = (smooth: boolean) => [
    ...paintScores([0, 0, 2, 0], [0.2, 0.6], 4, { width: 4, height: 2, scale: [0.5, 0.5] }, smooth),
  ];
  const rounded = (values: number[]) => values.map((value) => Math.round(value * 1000) / 1000);
  assert.deepEqual(rounded(paint(true)), [0.2, 0.4, 0.6, NaN, 0.2, 0.4, 0.6, NaN]);
  assert.deepEqual(rounded(paint(false)), [0.2, 0.6, 0.6, NaN, 0.2, 0.6, 0.6, NaN]);
});

test('a patch smaller than a cell is visible, and one at the border is clipped', () => {
  const cells = paintScores([0, 0, 95, 0], [1, 2], 10, { width: 4, height: 1, scale: [0.04, 0.04] }, true);
  assert.deepEqual([...cells], [1, NaN, NaN, 2]);
});

test('the lesion AUC equals a manual calculation', () => {
  const regions = [
    {
      name: '',
      excluded: false,
      rings: [
        [
          [0, 0],
          [10, 0],
          [10, 10],
          [0, 10],
        ] as [number, number][],
      ],
    },
  ];
  // The second patch is half inside, the others outside.
  const coords = [0, 0, 5, 0, 20, 0, 30, 0];
  const fit = lesionFit(coords, [0.4, 0.1, 0.2, 0.3], 10, regions);
  assert.equal(fit.auc, 0.5);
  assert.deepEqual([fit.inLesion, fit.patches], [2, 4]);
  assert.ok(Math.abs(fit.massInLesion - 0.5) < 1e-12);
  assert.equal(lesionFit(coords.slice(4), [0.2, 0.3], 10, regions).auc, null);
});

test('color maps are the published tables of 256 colors', () => {
  // Quarter points of matplotlib's `viridis` and `magma`.
  const published = {
    viridis: ['#440154', '#3b528b', '#21918c', '#5ec962', '#fde725'],
    magma: ['#000004', '#51127c', '#b73779', '#fc8961', '#fcfdbf'],
  };
  const hex = (color: readonly number[]) =>
    `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
  for (const name of ['viridis', 'magma'] as const) {
    const color = colormap(name);
    assert.deepEqual(
      [0, 0.25, 0.5, 0.75, 1].map((value) => hex(color(value))),
      published[name],
    );
    assert.deepEqual([color(-2), color(7)], [color(0), color(1)]);
    assert.deepEqual(
      [colorStops(name)[0], colorStops(name).at(-1)],
      [published[name][0], published[name][4]],
    );
    const lightness = Array.from({ length: 101 }, (_, i) => {
      const [r, g, b] = colormap(name)(i / 100);
      return 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2;
    });
    assert.ok(
      lightness.every((value, i) => i === 0 || value > lightness[i - 1]),
      `${name} grows lighter throughout`,
    );
  }
});

test('a thumbnail has the right size, scale and content, and overlay and outline change only their areas', async () => {
  const slide = openSlide(cmu);
  try {
    const thumbnail = await slideThumbnail(slide, 600);
    assert.deepEqual([thumbnail.width, thumbnail.height], [449, 600]);
    assert.ok(Math.abs(thumbnail.scale[1] - 600 / 2967) < 1e-9);
    const whole = await slideThumbnail(slide, 4000);
    assert.deepEqual([whole.width, whole.height, whole.scale[0]], [2220, 2967, 1]);

    const heat = new Float32Array(449 * 600).fill(NaN);
    heat.fill(1, 0, 449 * 10);
    const cyan = overlayScores(thumbnail, heat, 'cyan');
    assert.ok(
      Buffer.compare(cyan.data.subarray(449 * 30), thumbnail.data.subarray(449 * 30)) === 0,
      'no patch, no change',
    );
    assert.ok(cyan.data[1] > cyan.data[0] + 100, 'cyan where the score is 1');
    const viridis = overlayScores(thumbnail, heat, 'viridis');
    const at = 449 * 300 * 3;
    assert.ok(
      viridis.data[at] === viridis.data[at + 1] && viridis.data[at] === viridis.data[at + 2],
      'grey elsewhere',
    );

    const corners: [number, number][] = [
      [500, 500],
      [1500, 500],
      [1500, 1500],
      [500, 1500],
    ];
    const outlined = await outlineRegions(
      thumbnail,
      [{ name: '', excluded: false, rings: [corners] }],
      thumbnail.scale,
    );
    const pixel = (x: number, y: number) => [
      ...outlined.data.subarray((y * 449 + x) * 3, (y * 449 + x) * 3 + 3),
    ];
    const [r, g, b] = pixel(200, Math.round(500 * thumbnail.scale[1]));
    assert.ok(b > 200 && r < 80 && g < 110, `blue line, got ${r} ${g} ${b}`);
    assert.deepEqual(pixel(200, 200), [
      ...thumbnail.data.subarray((200 * 449 + 200) * 3, (200 * 449 + 200) * 3 + 3),
    ]);
  } finally {
    slide.close();
  }
});

test('the shown class is the positive one by default, a named one on request, and none for attention', () => {
  const classes = ['normal', 'tumor'];
  const shown = (score: HeatmapScore, name?: string) => shownClass({ score, class: name }, classes);
  assert.equal(shown('class-probability'), 'tumor');
  assert.equal(shown('class-probability', 'normal'), 'normal');
  assert.equal(shown('attention'), undefined);
  assert.throws(
    () => shown('class-probability', 'tumour'),
    hasCode('InvalidInput', /no class "tumour".*one of normal, tumor/),
  );
  assert.throws(() => shown('attention', 'tumor'), hasCode('InvalidInput', /no effect.*class-probability/));
});

test('the score of a slide follows the target, and log hazards of several checkpoints have no mean', () => {
  const prediction = {
    logits: Float32Array.of(0.5, -0.5),
    probabilities: Float64Array.of(0.25, 0.75),
  };
  const hazard: Target = { endpoint: 'survival', head: 'hazard', time: 'months', edges: [3] };
  const cox = slideScore(prediction, { endpoint: 'survival', head: 'cox', time: 'months' }, -1);
  assert.deepEqual(cox, { 'log-hazard': 0.5 });
  assert.deepEqual(meanOfSlideScores([cox]), cox);
  assert.deepEqual(meanOfSlideScores([cox, cox]), {});
  assert.deepEqual(slideScore(prediction, { endpoint: 'regression', value: 'her2' }, -1), { predicted: 0.5 });
  const { risk = NaN } = slideScore(prediction, hazard, -1);
  const [first, second] = [1 / (1 + Math.exp(0.5)), 1 / (1 + Math.exp(-0.5))];
  assert.ok(Math.abs(risk + first + first * second) < 1e-12);
  const classes: Target = { endpoint: 'classification', classes: ['normal', 'tumor'] };
  const probability = slideScore(prediction, classes, -1);
  assert.deepEqual(meanOfSlideScores([probability, { probability: 0.25 }]), { probability: 0.5 });
  assert.throws(
    () => shownClass({ score: 'class-probability' }, []),
    hasCode('InvalidInput', /needs a model of classes.*set `score: attention`/),
  );
});
