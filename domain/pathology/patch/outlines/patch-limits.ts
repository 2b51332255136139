import Flatbush from 'flatbush';
import { contourTest } from '../tissue/contour-test.js';
import type { TissueContour } from '../tissue/contours.js';
import type { ContourFunction } from '../tissue/parameters.js';
import { boundingBox, PolygonIndex } from '../tissue/polygon.js';

/** Where patches may be: inside `roi` if it is given, and not inside `exclude`. */
export interface PatchLimits {
  roi?: readonly TissueContour[];
  exclude: readonly TissueContour[];
}

/**
 * Returns the patches that the limits allow. The rules are those of CLAM for tissue and holes: a patch is in
 * a region of interest if the points of the contour function are (points on the outline are) and its center
 * is not inside one of its holes; it is excluded if its center is inside an excluded outline and not in one
 * of its holes.
 * @param coords N x 2 corners in level-0 pixels
 * @param size side of a patch in level-0 pixels
 */
export function limitPatches(
  coords: Int32Array,
  { roi, exclude }: PatchLimits,
  size: number,
  contourFn: ContourFunction,
): Int32Array {
  const within = roi && new NearbyContours(roi);
  const excluded = new NearbyContours(exclude);
  const kept: number[] = [];
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i], coords[i + 1]];
    const center = [x + size / 2, y + size / 2] as const;
    const isIn = ({ outline, holes }: IndexedContour) =>
      contourTest(outline, contourFn, size)(x, y) && !holes.some((hole) => hole.locate(...center) > 0);
    const isOut = ({ outline, holes }: IndexedContour) =>
      outline.locate(...center) > 0 && !holes.some((hole) => hole.locate(...center) >= 0);
    if (within !== undefined && !within.some(x, y, size, isIn)) continue;
    if (!excluded.some(x, y, size, isOut)) kept.push(x, y);
  }
  return Int32Array.from(kept);
}

interface IndexedContour {
  outline: PolygonIndex;
  holes: PolygonIndex[];
}

/** Contours in a spatial index by their boxes; each is indexed when it is first looked at. */
class NearbyContours {
  private readonly contours: readonly TissueContour[];
  private readonly indexed = new Map<number, IndexedContour>();
  private readonly boxes: Flatbush | undefined;

  constructor(contours: readonly TissueContour[]) {
    this.contours = contours;
    if (contours.length === 0) return;
    this.boxes = new Flatbush(contours.length);
    for (const { outline } of contours) {
      const { x, y, width, height } = boundingBox(outline);
      this.boxes.add(x, y, x + width, y + height);
    }
    this.boxes.finish();
  }

  some(x: number, y: number, size: number, test: (contour: IndexedContour) => boolean): boolean {
    return (this.boxes?.search(x, y, x + size, y + size) ?? []).some((i) => test(this.at(i)));
  }

  private at(i: number): IndexedContour {
    const known = this.indexed.get(i);
    if (known !== undefined) return known;
    const { outline, holes } = this.contours[i];
    const found = { outline: new PolygonIndex(outline), holes: holes.map((hole) => new PolygonIndex(hole)) };
    this.indexed.set(i, found);
    return found;
  }
}
