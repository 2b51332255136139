import { SamMilError } from '../../errors.js';
import { isJsonObject, type Json } from '../../json.js';
import { countUp, enclosesArea, isOnSlide, offSlide } from './region.js';
import type { Annotation, Region, Ring } from './region.js';

/** Geometries that enclose no area. */
const NO_AREAS = ['Point', 'MultiPoint', 'LineString', 'MultiLineString'];

/** Collections in collections; no program nests them deeper. */
const MOST_DEPTH = 16;

/**
 * Parses the regions of a GeoJSON file from QuPath: a FeatureCollection, a Feature, an array of Features, or
 * a bare geometry; Polygon and MultiPolygon with holes, also in a GeometryCollection, in level-0 pixels.
 * Points and lines enclose no area and are passed over, as are features without geometry.
 * @throws SamMilError InvalidInput naming the file and the feature
 */
export function parseGeoJson(text: string, file: string): Annotation {
  const passedOver: Record<string, number> = {};
  const regions = listFeatures(parseJson(text, file), file).flatMap((feature, i) =>
    readRegions(feature, `${file} (feature ${i})`, passedOver),
  );
  return { regions, passedOver };
}

/** QuPath writes measurements that are not numbers as NaN, which JSON does not have. */
function parseJson(text: string, file: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    try {
      return JSON.parse(withoutNaN(text)) as Json;
    } catch {
      throw new SamMilError('InvalidInput', 'invalid JSON', { file, found: (cause as Error).message, cause });
    }
  }
}

function withoutNaN(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\bNaN\b|-?\bInfinity\b/g, (token) =>
    token.startsWith('"') ? token : 'null',
  );
}

function listFeatures(value: Json, file: string): Json[] {
  if (Array.isArray(value)) return value;
  if (isJsonObject(value)) {
    if (value.type === 'FeatureCollection' && Array.isArray(value.features)) return value.features;
    if (value.type === 'Feature') return [value];
    if (typeof value.type === 'string' && ('coordinates' in value || 'geometries' in value))
      return [{ type: 'Feature', geometry: value }];
  }
  throw new SamMilError('InvalidInput', 'the file is not GeoJSON', {
    file,
    expected: 'a FeatureCollection, a Feature or a geometry',
  });
}

function readRegions(feature: Json, place: string, passedOver: Record<string, number>): Region[] {
  if (!isJsonObject(feature) || feature.geometry === undefined) {
    throw new SamMilError('InvalidInput', 'the feature has no geometry', { file: place });
  }
  const polygons = listPolygons(feature.geometry, place, passedOver, 0);
  const properties = isJsonObject(feature.properties ?? null)
    ? (feature.properties as Record<string, Json>)
    : {};
  const classes = readClasses(properties.classification ?? null);
  return polygons.map((polygon) => ({
    name: typeof properties.name === 'string' ? properties.name : '',
    ...(classes.length === 0 ? {} : { group: classes.join(': '), classes }),
    excluded: false,
    rings: readRings(polygon, place),
  }));
}

/** A derived class of QuPath, such as `Tumor: Positive`, has several names. */
function readClasses(classification: Json): string[] {
  const value = isJsonObject(classification) ? (classification.names ?? classification.name) : classification;
  const names = Array.isArray(value) ? value : typeof value === 'string' ? value.split(':') : [];
  return names.filter((name) => typeof name === 'string').map((name) => name.trim());
}

function listPolygons(
  geometry: Json,
  place: string,
  passedOver: Record<string, number>,
  depth: number,
): Json[] {
  if (geometry === null) {
    countUp(passedOver, 'no geometry');
    return [];
  }
  if (!isJsonObject(geometry)) {
    throw new SamMilError('InvalidInput', 'the feature has no geometry', { file: place });
  }
  const { type = null, coordinates = null, geometries = null } = geometry;
  if (type === 'Polygon') return [coordinates];
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return coordinates;
  if (type === 'GeometryCollection' && Array.isArray(geometries) && depth < MOST_DEPTH) {
    return geometries.flatMap((member) => listPolygons(member, place, passedOver, depth + 1));
  }
  if (typeof type !== 'string' || !NO_AREAS.includes(type)) {
    throw new SamMilError('InvalidInput', 'the geometry is invalid', {
      file: place,
      expected: `Polygon, MultiPolygon, GeometryCollection, ${NO_AREAS.join(', ')}`,
      found: JSON.stringify(type),
    });
  }
  countUp(passedOver, type);
  return [];
}

function readRings(polygon: Json, place: string): Ring[] {
  if (!Array.isArray(polygon) || polygon.length === 0) throw badRing(place);
  return polygon.map((ring) => {
    if (!Array.isArray(ring)) throw badRing(place);
    const points = ring.map((point): [number, number] => {
      const [x, y]: Json[] = Array.isArray(point) ? point : [];
      if (typeof x !== 'number' || typeof y !== 'number') throw badRing(place);
      if (isOnSlide(x) && isOnSlide(y)) return [x, y];
      throw offSlide(place, `${x}, ${y}`);
    });
    if (!enclosesArea(points)) throw badRing(place);
    return points;
  });
}

function badRing(place: string): SamMilError {
  return new SamMilError('InvalidInput', 'the polygon is invalid', {
    file: place,
    expected: 'rings of at least three different [x, y] points',
  });
}
