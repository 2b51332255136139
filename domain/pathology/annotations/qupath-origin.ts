import type { Level0Px } from '../../units.js';
import type { SlideInfo } from '../slides/slide.js';

/**
 * Where QuPath has its origin, in level-0 pixels. Formats that lay a scan into a larger plane (MIRAX and others) say which part of it was scanned;
 * QuPath shows only that part, unless it is told `--no-crop`, and its coordinates count from there. CLAM's and ours count from the plane's corner.
 */
export function quPathOrigin({ properties }: Pick<SlideInfo, 'properties'>): readonly [Level0Px, Level0Px] {
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((side) =>
    Number.parseInt(properties[`openslide.bounds-${side}`] ?? '', 10),
  );
  return width > 0 && height > 0 && x >= 0 && y >= 0 ? [x, y] : [0, 0];
}
