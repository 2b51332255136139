/**
 * Column and row of each patch on the grid of the patches, relative to the leftmost and topmost patch and
 * rounded. The step of the grid is the most frequent distance between neighbors in a line, the smallest one
 * among equally frequent ones.
 *
 * @param coords rows x 2 (x, y)
 * @param isGroup 1 for group rows, which have no place: -1, -1
 * @returns rows x 2 (column, row)
 */
export function gridPlaces(coords: Int32Array, isGroup: Uint8Array): Int32Array {
  const places = new Int32Array(coords.length).fill(-1);
  const patches = [...isGroup.keys()].filter((row) => isGroup[row] === 0);
  const step = gridStep(coords, patches);
  for (const axis of [0, 1]) {
    const start = patches.reduce((least, row) => Math.min(least, coords[2 * row + axis]), Infinity);
    for (const row of patches) places[2 * row + axis] = Math.round((coords[2 * row + axis] - start) / step);
  }
  return places;
}

/** 1 if no two patches are in a line. */
function gridStep(coords: Int32Array, patches: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const [along, across] of [
    [0, 1],
    [1, 0],
  ]) {
    const at = (row: number, axis: number) => coords[2 * row + axis];
    const sorted = [...patches].sort((a, b) => at(a, across) - at(b, across) || at(a, along) - at(b, along));
    for (let i = 1; i < sorted.length; i++) {
      const [before, here] = [sorted[i - 1], sorted[i]];
      const distance = at(here, along) - at(before, along);
      if (at(here, across) !== at(before, across) || distance === 0) continue;
      counts.set(distance, (counts.get(distance) ?? 0) + 1);
    }
  }
  const ranked = [...counts].sort(([a, many], [b, more]) => more - many || a - b);
  return ranked.length === 0 ? 1 : ranked[0][0];
}
