import { SamMilError } from '../../errors.js';
import { readRegular } from '../../regular-file.js';
import type { Annotation, Region } from './region.js';
import { parseAsapXml } from './read-asap-xml.js';
import { isImageScope, parseImageScope } from './read-image-scope.js';
import { parseGeoJson } from './read-geojson.js';
import type { Point } from './geojson.js';

/** About ten million points. */
const LIMIT = { bytes: 512 << 20, next: 'leave out objects that are not annotations, such as cells' };

/**
 * Reads the annotated regions of a slide from GeoJSON (QuPath), ASAP XML (CAMELYON16, CAMELYON17) or Aperio
 * ImageScope XML, distinguished by content.
 * @param origin of QuPath on this slide in level-0 pixels; GeoJSON coordinates are relative to it
 * @throws SamMilError InvalidInput naming the file and the position in it, or if it has objects of which none
 *   encloses an area
 */
export function readAnnotation(path: string, origin: Point): Annotation {
  const annotation = parseAnnotation(path, origin);
  const found = withoutArea(annotation);
  if (found === undefined) return annotation;
  throw new SamMilError('InvalidInput', 'no object of the annotation encloses an area', {
    file: path,
    expected: 'polygons',
    found,
    next: 'outline areas with polygons, or leave the file of this slide out',
  });
}

/**
 * Says what a file contains if it has objects and none of them encloses an area. A slide without regions
 * counts as normal, which points and lines do not say.
 */
export function withoutArea({ regions, passedOver }: Annotation): string | undefined {
  const others = Object.entries(passedOver).filter(([type]) => type !== 'no geometry');
  if (regions.length > 0 || others.length === 0) return undefined;
  return others.map(([type, count]) => `${count} of type ${type}`).join(', ');
}

/** Like {@link readAnnotation}, also for a file in which nothing encloses an area. */
export function parseAnnotation(path: string, origin: Point): Annotation {
  const text = readOutlineText(path);
  const first = text.trimStart()[0];
  if (first === '<') {
    const parse = isImageScope(text, path) ? parseImageScope : parseAsapXml;
    return parse(text, path);
  }
  if (first === '{' || first === '[') {
    const { regions, passedOver } = parseGeoJson(text, path);
    return { regions: regions.map((region) => movedBy(region, origin)), passedOver };
  }
  throw new SamMilError('InvalidInput', 'the file is not an annotation', {
    file: path,
    expected: 'GeoJSON, ASAP XML or Aperio ImageScope XML',
  });
}

/**
 * Reads the text of a file with outlines.
 * @throws SamMilError InvalidInput if it cannot be read or is too large
 */
export function readOutlineText(path: string): string {
  try {
    return readRegular(path, LIMIT)
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
}

function movedBy(region: Region, [dx, dy]: Point): Region {
  return { ...region, rings: region.rings.map((ring) => ring.map(([x, y]) => [x + dx, y + dy] as const)) };
}
