import type { Level0Px } from '../../units.js';
import type { SlideInfo } from '../slides/slide.js';

/**
 * Returns the origin of QuPath in level-0 pixels. Formats that place a scan on a larger plane (such as MIRAX)
 * state which part was scanned. Without `--no-crop`, QuPath shows only that part and counts coordinates from
 * its corner. CLAM and sam-mil count from the corner of the plane.
 */
export function quPathOrigin({ properties }: Pick<SlideInfo, 'properties'>): readonly [Level0Px, Level0Px] {
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((side) =>
    Number.parseInt(properties[`openslide.bounds-${side}`] ?? '', 10),
  );
  return width > 0 && height > 0 && x >= 0 && y >= 0 ? [x, y] : [0, 0];
}
