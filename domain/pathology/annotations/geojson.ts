import type { Json, JsonObject } from '../../json.js';
import type { Level0Px } from '../../units.js';

/**
 * A ring of a polygon as points (x0, y0, x1, y1, ...), without a repetition of the first point at the end.
 */
export type FlatRing = ArrayLike<number>;

/** A polygon in level-0 pixels: the outline, then its holes. */
export type FlatPolygon = readonly FlatRing[];

/** An object in QuPath. */
export interface QuPathFeature {
  polygons: readonly FlatPolygon[];
  /** People edit annotations; detections come in thousands. */
  objectType: 'annotation' | 'detection';
  name?: string;
  /** Class and its color (RGB). */
  classification?: { name: string; color: readonly [number, number, number] };
  measurements?: Readonly<Record<string, number>>;
}

/** A point in level-0 pixels. */
export type Point = readonly [x: Level0Px, y: Level0Px];

/**
 * Formats GeoJSON that QuPath imports (File > Import objects), in level-0 pixels relative to `origin`, the
 * origin of QuPath. It writes one feature per line, so that large files can be read line by line. Equal
 * features give equal text.
 */
export function formatFeatures(features: Iterable<QuPathFeature>, origin: Point): string {
  const lines = Array.from(features, (feature) => JSON.stringify(toJson(feature, origin)));
  return `{"type":"FeatureCollection","features":[\n${lines.join(',\n')}\n]}\n`;
}

/**
 * Formats patches as detections with measurements.
 * @param coords N x 2 top-left corners in level-0 pixels
 * @param measurements N numbers by name
 */
export function formatPatches(
  coords: ArrayLike<Level0Px>,
  size: Level0Px,
  measurements: Readonly<Record<string, ArrayLike<number>>>,
  origin: Point,
): string {
  const patches = Array.from({ length: coords.length / 2 }, (_, i): QuPathFeature => {
    const [x, y] = [coords[2 * i], coords[2 * i + 1]];
    const ring = [x, y, x + size, y, x + size, y + size, x, y + size];
    const measured = Object.entries(measurements).map(([name, values]) => [name, values[i]] as const);
    return { polygons: [[ring]], objectType: 'detection', measurements: Object.fromEntries(measured) };
  });
  return formatFeatures(patches, origin);
}

function toJson(
  { polygons, objectType, name, classification, measurements }: QuPathFeature,
  origin: Point,
): JsonObject {
  const coordinates = polygons.map((polygon) => polygon.map((ring) => closedRing(ring, origin)));
  const measured = Object.entries(measurements ?? {}).map(([key, value]) => [key, rounded(value)] as const);
  return {
    type: 'Feature',
    geometry:
      coordinates.length === 1
        ? { type: 'Polygon', coordinates: coordinates[0] }
        : { type: 'MultiPolygon', coordinates },
    properties: {
      objectType,
      ...(name === undefined ? {} : { name }),
      ...(classification && {
        classification: { name: classification.name, color: [...classification.color] },
      }),
      isLocked: true,
      ...(measurements && { measurements: Object.fromEntries(measured) }),
    },
  };
}

/** GeoJSON repeats the first point at the end. */
function closedRing(ring: FlatRing, [x, y]: Point): Json[] {
  const points = Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i] - x, ring[2 * i + 1] - y]);
  return [...points, points[0]];
}

/** Rounds to the seven digits of a float32; integers (areas) stay exact. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(7));
}
