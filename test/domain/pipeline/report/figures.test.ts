import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearAxis, niceRange } from '../../../../domain/pipeline/report/figures/axis.js';
import { SERIES, seriesClass, seriesMarker } from '../../../../domain/pipeline/report/figures/series.js';
import { wrapLabel } from '../../../../domain/pipeline/report/figures/wrap-label.js';
import { STYLE } from '../../../../domain/pipeline/report/page/style.js';

type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

/** Full protanopia, deuteranopia and tritanopia in linear RGB: Machado, Oliveira and Fernandes 2009. */
const SIGHTS: Record<string, Matrix> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}; // prettier-ignore

function linear(hex: string): Vector {
  const part = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(1), part(3), part(5)];
}

function apply(matrix: Matrix, [r, g, b]: Vector): Vector {
  const row = (values: Vector) => Math.max(0, values[0] * r + values[1] * g + values[2] * b);
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

/** Ottosson's perceptual color space, 2020. */
function oklab(color: Vector): Vector {
  const cone = (values: Vector) => Math.cbrt(apply([values, values, values], color)[0]);
  const l = cone([0.4122214708, 0.5363325363, 0.0514459929]);
  const m = cone([0.2119034982, 0.6806995451, 0.1073969566]);
  const s = cone([0.0883024619, 0.2817188376, 0.6299787005]);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r, g, blue] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

test('the colors of series differ under every kind of color blindness and from their ground, light and dark', () => {
  const valuesOf = (name: string) =>
    [...STYLE.matchAll(new RegExp(`--${name}: (#[0-9a-f]{6});`, 'g'))].map(([, hex]) => hex);
  const grounds = valuesOf('surface');
  const colors = Array.from({ length: SERIES }, (_, i) => valuesOf(`s${i + 1}`));
  for (const theme of [0, 1]) {
    for (const [i, own] of colors.entries()) {
      assert.ok(contrast(own[theme], grounds[theme]) >= 3, `${own[theme]} on ${grounds[theme]}`);
      for (const other of colors.slice(0, i)) {
        for (const [sight, matrix] of Object.entries(SIGHTS)) {
          const [a, b] = [own, other].map((pair) => oklab(apply(matrix, linear(pair[theme]))));
          const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
          assert.ok(distance > 0.08, `${own[theme]} and ${other[theme]}: ${distance} with ${sight}`);
        }
      }
    }
  }
});

test('36 series have different pairs of color and dash, and equal colors have different markers', () => {
  const all = Array.from({ length: 36 }, (_, i) => i);
  assert.equal(new Set(all.map(seriesClass)).size, 36);
  assert.equal(new Set(all.map((i) => seriesMarker(i, 0, 0, 4).markup)).size, 36);
});

test('axes have round ticks with equal decimals, also in percent and for reversed positions', () => {
  const labels = (...range: Parameters<typeof linearAxis>) =>
    linearAxis(...range).ticks.map(({ label }) => label);
  assert.deepEqual(labels([0, 1], [0, 100]), ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
  assert.deepEqual(labels([0.9, 1], [100, 0], { percent: true, count: 4 }), [
    '90',
    '92',
    '94',
    '96',
    '98',
    '100',
  ]);
  assert.deepEqual(labels([1, 200], [0, 100], { count: 4 }), ['50', '100', '150', '200']);
  assert.equal(linearAxis([0, 1], [100, 0]).at(0.25), 75);
  assert.deepEqual(niceRange([0.93, 0.97], 0.1, 4), [0.9, 1]);
  assert.deepEqual(niceRange([], 0.1), [0, 0.1]);
});

test('labels are wrapped at spaces and never shortened', () => {
  const label = 'sam-mil · encoder uni2-h · magnification 20 · averyverylongwordwithoutanyspace';
  const lines = wrapLabel(label, 20);
  assert.ok(lines.every((line) => line.length <= 20));
  assert.equal(lines.join('').replaceAll(' ', ''), label.replaceAll(' ', ''));
  assert.deepEqual(wrapLabel('abmil', 20), ['abmil']);
});
