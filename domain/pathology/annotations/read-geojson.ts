import { SamMilError } from '../../errors.js';
import { isJsonObject, type Json } from '../../json.js';
import { enclosesArea, isExclusion, isOnSlide, offSlide, type Region, type Ring } from './region.js';

/**
 * Parses the regions of a GeoJSON file from QuPath: a FeatureCollection, a Feature, an array of Features, or
 * a bare geometry; Polygon and MultiPolygon with holes, in level-0 pixels. Points and lines enclose no area
 * and are skipped.
 * @throws SamMilError InvalidInput naming the file and the feature
 */
export function parseGeoJson(text: string, file: string): Region[] {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'invalid JSON', { file, found: (cause as Error).message, cause });
  }
  return listFeatures(value, file).flatMap((feature, i) => readRegions(feature, `${file} (feature ${i})`));
}

function listFeatures(value: Json, file: string): Json[] {
  if (Array.isArray(value)) return value;
  if (isJsonObject(value)) {
    if (value.type === 'FeatureCollection' && Array.isArray(value.features)) return value.features;
    if (value.type === 'Feature') return [value];
    if (typeof value.type === 'string' && 'coordinates' in value)
      return [{ type: 'Feature', geometry: value }];
  }
  throw new SamMilError('InvalidInput', 'the file is not GeoJSON', {
    file,
    expected: 'a FeatureCollection, a Feature or a geometry',
  });
}

function readRegions(feature: Json, place: string): Region[] {
  const geometry = isJsonObject(feature) ? feature.geometry : undefined;
  if (!isJsonObject(feature) || !isJsonObject(geometry ?? null)) {
    throw new SamMilError('InvalidInput', 'the feature has no geometry', { file: place });
  }
  const { type, coordinates } = geometry as { type?: Json; coordinates?: Json };
  const polygons = type === 'Polygon' ? [coordinates] : type === 'MultiPolygon' ? coordinates : [];
  if (!Array.isArray(polygons)) throw badRing(place);
  const properties = isJsonObject(feature.properties ?? null)
    ? (feature.properties as Record<string, Json>)
    : {};
  const classification = isJsonObject(properties.classification ?? null)
    ? (properties.classification as Record<string, Json>).name
    : properties.classification;
  const group = typeof classification === 'string' ? classification : undefined;
  return polygons.map((polygon) => ({
    name: typeof properties.name === 'string' ? properties.name : '',
    ...(group === undefined ? {} : { group }),
    excluded: isExclusion(group),
    rings: readRings(polygon ?? null, place),
  }));
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
