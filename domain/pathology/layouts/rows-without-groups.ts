import type { FeatureRows } from './feature-rows.js';

/** Lists the indices of the rows that are not group rows. */
export function patchRows(isGroup: Uint8Array): Int32Array {
  return Int32Array.from([...isGroup.keys()].filter((row) => isGroup[row] === 0));
}

/** Selects the coords of some rows, n x 2. */
export function coordsOf(coords: Int32Array, rows: Int32Array): Int32Array {
  const places = new Int32Array(rows.length * 2);
  rows.forEach((row, i) => places.set(coords.subarray(2 * row, 2 * row + 2), 2 * i));
  return places;
}

/**
 * Features without the group rows, in the same order. Rows are read on demand. Without group rows, nothing
 * changes.
 */
export function rowsWithoutGroups(
  features: FeatureRows,
  coords: Int32Array,
  isGroup: Uint8Array,
): { coords: Int32Array; features: FeatureRows } {
  if (!isGroup.includes(1)) return { coords, features };
  const kept = patchRows(isGroup);
  const { dim, dtype } = features;
  const readRows = (start: number, count: number): Float32Array => {
    if (count === 0) return new Float32Array(0);
    const [first, last] = [kept[start], kept[start + count - 1]];
    const block = features.readRows(first, last - first + 1);
    const rows = new Float32Array(count * dim);
    for (let i = 0; i < count; i++) {
      const at = (kept[start + i] - first) * dim;
      rows.set(block.subarray(at, at + dim), i * dim);
    }
    return rows;
  };
  const without = { rows: kept.length, dim, dtype, readRows, close: () => features.close() };
  return { coords: coordsOf(coords, kept), features: without };
}
