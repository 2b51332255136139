import type { SamLayers } from './sam-layers.js';

interface Windowing {
  /** Tokens per side of the image. */
  grid: number;
  window: number;
  width: number;
}

/**
 * Splits an image of tokens into squares, padded with zeros at the right and bottom if needed.
 * @param x [grid * grid, width]
 * @returns [windows * window * window, width], windows row by row
 */
export function splitWindows(layers: SamLayers, x: string, { grid, window, width }: Windowing): string {
  const across = Math.ceil(grid / window);
  const padded = across * window;
  let y = layers.reshape(x, [grid, grid, width]);
  if (padded > grid) {
    y = layers.op('Pad', [y, layers.integers([0, 0, 0, padded - grid, padded - grid, 0])]);
  }
  y = layers.transpose(layers.reshape(y, [across, window, across, window, width]), [0, 2, 1, 3, 4]);
  return layers.reshape(y, [across * across * window * window, width]);
}

/** Joins windows and removes the padding; the inverse of {@link splitWindows}. */
export function joinWindows(layers: SamLayers, x: string, { grid, window, width }: Windowing): string {
  const across = Math.ceil(grid / window);
  const padded = across * window;
  let y = layers.reshape(x, [across, across, window, window, width]);
  y = layers.reshape(layers.transpose(y, [0, 2, 1, 3, 4]), [padded, padded, width]);
  if (padded > grid) {
    const [from, to] = [layers.integers([0, 0]), layers.integers([grid, grid])];
    y = layers.op('Slice', [y, from, to, layers.integers([0, 1])]);
  }
  return layers.reshape(y, [grid * grid, width]);
}
