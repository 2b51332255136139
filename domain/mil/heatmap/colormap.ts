/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export type ColormapName = 'viridis' | 'magma';

/**
 * Ten evenly spaced control points of the perceptually uniform maps by Smith, van der Walt and Firing
 * (matplotlib, CC0). Colors between them are interpolated linearly in sRGB.
 */
const CONTROL_POINTS: Record<ColormapName, string> = {
  viridis: '440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725',
  magma: '000004 180f3d 440f76 721f81 9e2f7f cd4071 f1605d fd9668 feca8d fcfdbf',
};

/** @returns a function from [0, 1] (values outside are clipped) to a color */
export function colormap(name: ColormapName): (value: number) => Rgb {
  const points = controlPoints(name);
  return (value) => {
    const place = Math.min(1, Math.max(0, value)) * (points.length - 1);
    const below = Math.min(points.length - 2, Math.floor(place));
    const share = place - below;
    return [0, 1, 2].map((c) =>
      Math.round(points[below][c] + (points[below + 1][c] - points[below][c]) * share),
    ) as unknown as Rgb;
  };
}

/** The control points as CSS colors from 0 to 1, for legends. */
export function colorStops(name: ColormapName): string[] {
  return CONTROL_POINTS[name].split(' ').map((hex) => `#${hex}`);
}

function controlPoints(name: ColormapName): Rgb[] {
  return CONTROL_POINTS[name]
    .split(' ')
    .map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb);
}
