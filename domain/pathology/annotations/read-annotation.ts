import { SamMilError } from '../../errors.js';
import { readRegular } from '../../regular-file.js';
import type { Region } from './region.js';
import { parseAsapXml } from './read-asap-xml.js';
import { parseGeoJson } from './read-geojson.js';
import type { Point } from './geojson.js';

/** About ten million points. */
const LIMIT = { bytes: 512 << 20, next: 'leave out objects that are not annotations, such as cells' };

/**
 * Reads the annotated regions of a slide from ASAP XML (CAMELYON16, CAMELYON17) or GeoJSON (QuPath),
 * distinguished by content.
 * @param origin of QuPath on this slide in level-0 pixels; GeoJSON coordinates are relative to it
 * @throws SamMilError InvalidInput naming the file and the position in it
 */
export function readAnnotation(path: string, origin: Point): Region[] {
  let text: string;
  try {
    text = readRegular(path, LIMIT)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } catch (cause) {
    if (cause instanceof SamMilError) throw cause;
    throw new SamMilError('InvalidInput', 'cannot read the annotation file', {
      file: path,
      found: (cause as Error).message,
      cause,
    });
  }
  const first = text.trimStart()[0];
  if (first === '<') return parseAsapXml(text, path);
  if (first === '{' || first === '[')
    return parseGeoJson(text, path).map((region) => movedBy(region, origin));
  throw new SamMilError('InvalidInput', 'the file is not an annotation', {
    file: path,
    expected: 'ASAP XML or GeoJSON',
  });
}

function movedBy(region: Region, [dx, dy]: Point): Region {
  return { ...region, rings: region.rings.map((ring) => ring.map(([x, y]) => [x + dx, y + dy] as const)) };
}
