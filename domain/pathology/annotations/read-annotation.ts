import { SamMilError } from '../../errors.js';
import { readRegular } from '../../regular-file.js';
import type { Annotation, Region } from './region.js';
import { parseAsapXml } from './read-asap-xml.js';
import { parseGeoJson } from './read-geojson.js';
import type { Point } from './geojson.js';

/** About ten million points. */
const LIMIT = { bytes: 512 << 20, next: 'leave out objects that are not annotations, such as cells' };

/**
 * Reads the annotated regions of a slide from ASAP XML (CAMELYON16, CAMELYON17) or GeoJSON (QuPath),
 * distinguished by content.
 * @param origin of QuPath on this slide in level-0 pixels; GeoJSON coordinates are relative to it
 * @throws SamMilError InvalidInput naming the file and the position in it, or if it has objects of which none
 *   encloses an area
 */
export function readAnnotation(path: string, origin: Point): Annotation {
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
  if (first === '<') return requireRegion(parseAsapXml(text, path), path);
  if (first === '{' || first === '[') {
    const { regions, passedOver } = requireRegion(parseGeoJson(text, path), path);
    return { regions: regions.map((region) => movedBy(region, origin)), passedOver };
  }
  throw new SamMilError('InvalidInput', 'the file is not an annotation', {
    file: path,
    expected: 'ASAP XML or GeoJSON',
  });
}

/** A slide without regions counts as normal, which points and lines do not say. */
function requireRegion(annotation: Annotation, path: string): Annotation {
  const { regions, passedOver } = annotation;
  const others = Object.entries(passedOver).filter(([type]) => type !== 'no geometry');
  if (regions.length > 0 || others.length === 0) return annotation;
  throw new SamMilError('InvalidInput', 'no object of the annotation encloses an area', {
    file: path,
    expected: 'polygons',
    found: others.map(([type, count]) => `${count} of type ${type}`).join(', '),
    next: 'outline the lesion with polygons; omit the annotation of a slide without lesion',
  });
}

function movedBy(region: Region, [dx, dy]: Point): Region {
  return { ...region, rings: region.rings.map((ring) => ring.map(([x, y]) => [x + dx, y + dy] as const)) };
}
