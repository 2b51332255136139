import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gridPlaces } from '../../../../domain/mil/bags/grid.js';

function places(points: readonly [number, number][], groups: readonly number[] = []): number[][] {
  const isGroup = Uint8Array.from(points, (_, row) => (groups.includes(row) ? 1 : 0));
  const grid = gridPlaces(Int32Array.from(points.flat()), isGroup);
  return points.map((_, row) => [grid[2 * row], grid[2 * row + 1]]);
}

test('patches get their column and row, whatever their order and the gaps of the tissue', () => {
  const points: [number, number][] = [
    [1512, 700],
    [1000, 700],
    [1000, 1212],
    [1256, 700],
    [3048, 956],
    [1256, 1212],
  ];
  assert.deepEqual(places(points), [
    [2, 0],
    [0, 0],
    [0, 2],
    [1, 0],
    [8, 1],
    [1, 2],
  ]);
});

test('group rows have no place', () => {
  assert.deepEqual(
    places(
      [
        [512, 0],
        [-1, -1],
        [0, 0],
      ],
      [1],
    ),
    [
      [1, 0],
      [-1, -1],
      [0, 0],
    ],
  );
  assert.deepEqual(places([[-1, -1]], [0]), [[-1, -1]]);
});

test('a part of the tissue with a shifted grid is rounded to the grid of the other', () => {
  const points: [number, number][] = [
    [0, 0],
    [256, 0],
    [512, 0],
    [0, 1124],
    [356, 1124],
    [612, 1124],
  ];
  assert.deepEqual(places(points).slice(3), [
    [0, 4],
    [1, 4],
    [2, 4],
  ]);
});

test('patches that share no line and patches without coordinates have a place', () => {
  assert.deepEqual(
    places([
      [5, 9],
      [7, 12],
    ]),
    [
      [0, 0],
      [2, 3],
    ],
  );
  assert.deepEqual(
    places([
      [0, 0],
      [0, 0],
    ]),
    [
      [0, 0],
      [0, 0],
    ],
  );
});
