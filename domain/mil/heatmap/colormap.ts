import { interpolateMagma, interpolateViridis } from 'd3-scale-chromatic';

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export type ColormapName = 'viridis' | 'magma';

/** Number of colors in the published tables of matplotlib, which d3-scale-chromatic contains. */
const COLORS = 256;
const STOPS = 17;

const HEX: Record<ColormapName, (value: number) => string> = {
  viridis: interpolateViridis,
  magma: interpolateMagma,
};

/** @returns a function from [0, 1] (values outside are clipped) to a color of the published table */
export function colormap(name: ColormapName): (value: number) => Rgb {
  const table = Array.from({ length: COLORS }, (_, i) => parseHex(HEX[name]((i + 0.5) / COLORS)));
  return (value) => table[Math.min(COLORS - 1, Math.max(0, Math.floor(value * COLORS)))];
}

/** Evenly spaced colors of the map as CSS colors from 0 to 1, for legends. */
export function colorStops(name: ColormapName): string[] {
  return Array.from({ length: STOPS }, (_, i) => HEX[name](i / (STOPS - 1)));
}

function parseHex(hex: string): Rgb {
  const part = (at: number) => parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}
