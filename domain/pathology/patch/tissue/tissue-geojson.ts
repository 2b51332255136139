import { formatFeatures, type FlatRing, type Point, type QuPathFeature } from '../../annotations/geojson.js';
import type { TissueContour } from './contours.js';

/** A green that occurs in neither hematoxylin nor eosin. */
const TISSUE = { name: 'Tissue', color: [0, 160, 80] as const };

/**
 * Formats tissue outlines with their holes as QuPath annotations, named by the ids on the mask picture, in
 * level-0 pixels relative to `origin`.
 */
export function formatTissue(
  contours: readonly TissueContour[],
  ids: readonly number[],
  origin: Point,
): string {
  const features = ids.map((id) => tissueFeature(id, [contours[id].outline, ...contours[id].holes]));
  return formatFeatures(features, origin);
}

function tissueFeature(id: number, rings: readonly FlatRing[]): QuPathFeature {
  // An outline of one or two points encloses no area, and QuPath refuses it.
  const polygon = rings.map(withoutStraights).filter((ring, i) => i === 0 || ring.length >= 6);
  return {
    polygons: [polygon],
    objectType: 'annotation',
    name: `Tissue ${id}`,
    classification: TISSUE,
  };
}

/** Outlines have one point per pixel; this removes points on a straight line between two others. */
function withoutStraights(ring: FlatRing): FlatRing {
  const n = ring.length / 2;
  const kept: number[] = [];
  for (let i = 0; i < n; i++) {
    const [before, after] = [(i + n - 1) % n, (i + 1) % n];
    const [dx, dy] = [ring[2 * i] - ring[2 * before], ring[2 * i + 1] - ring[2 * before + 1]];
    const [ex, ey] = [ring[2 * after] - ring[2 * i], ring[2 * after + 1] - ring[2 * i + 1]];
    if (dx * ey !== dy * ex || dx * ex + dy * ey < 0) kept.push(ring[2 * i], ring[2 * i + 1]);
  }
  return kept.length >= 6 ? kept : ring;
}
