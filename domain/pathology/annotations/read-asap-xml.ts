import { readDecimal } from '../../files/decimal.js';
import type { XmlElement } from '../../files/xml.js';
import { countUp, enclosesArea, type Annotation, type Region } from './region.js';
import { refuseXml, readXml, xmlPoint } from './xml-file.js';

/** Annotation types that enclose an area, and those that do not. */
const AREAS = ['Polygon', 'Spline', 'Rectangle'];
const NO_AREAS = ['Dot', 'PointSet', 'Measurement', 'None'];

interface Outline {
  element: XmlElement;
  points: { order: number; at: [number, number] }[];
}

/**
 * Parses the regions of an ASAP annotation file: `Annotation` elements of type Polygon, Spline or Rectangle
 * with `Coordinate Order X Y` (level-0 pixels). The classes of a region are its group and the groups that
 * this one is part of.
 * @param file named in errors
 * @throws SamMilError InvalidInput with file:line on invalid XML or coordinates
 */
export function parseAsapXml(text: string, file: string): Annotation {
  const outlines: Outline[] = [];
  const passedOver: Record<string, number> = {};
  const parents = new Map<string, string>();
  readXml(text, file, (element, above) => {
    const { name, attributes, line } = element;
    refuseOtherFormat(file, element, above);
    if (name === 'Group') parents.set(attributes.Name ?? '', attributes.PartOfGroup ?? 'None');
    if (name === 'Annotation') {
      const type = attributes.Type ?? 'Polygon';
      if (AREAS.includes(type)) outlines.push({ element, points: [] });
      else if (NO_AREAS.includes(type)) countUp(passedOver, type);
      else
        throw refuseXml(
          file,
          line,
          'the annotation has an unknown type',
          type,
          [...AREAS, ...NO_AREAS].join(', '),
        );
    }
    const last = outlines.at(-1);
    if (name === 'Coordinate' && last !== undefined && above.includes(last.element))
      last.points.push(coordinate(element, file));
  });
  return { regions: outlines.map((outline) => toRegion(outline, parents, file)), passedOver };
}

function refuseOtherFormat(file: string, { name, line }: XmlElement, above: readonly XmlElement[]): void {
  if (above.length > 0 || name === 'ASAP_Annotations' || name === 'Annotations') return;
  throw refuseXml(file, line, 'the file is not an ASAP annotation file', `<${name}>`, '<ASAP_Annotations>');
}

function toRegion({ element, points }: Outline, parents: ReadonlyMap<string, string>, file: string): Region {
  const { attributes, line } = element;
  const ring = points.sort((a, b) => a.order - b.order).map(({ at }) => at);
  if (!enclosesArea(ring)) {
    throw refuseXml(
      file,
      line,
      'the outline has too few points',
      `${points.length}`,
      'at least 3 different ones',
    );
  }
  const group = attributes.PartOfGroup;
  const lines = lineage(group, parents);
  return {
    name: attributes.Name ?? '',
    ...(lines.length === 0 ? {} : { group: lines[0], classes: lines }),
    excluded: false,
    rings: [ring],
  };
}

/** A group and the groups that it is part of, from the inside. */
function lineage(group: string | undefined, parents: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (let at = group; at !== undefined && at !== 'None' && !found.includes(at); at = parents.get(at)) {
    found.push(at);
  }
  return found;
}

function coordinate(element: XmlElement, file: string): { order: number; at: [number, number] } {
  const order = readDecimal(element.attributes.Order);
  if (order !== undefined) return { order, at: xmlPoint(element, file) };
  throw refuseXml(
    file,
    element.line,
    'coordinate Order is not a number',
    element.attributes.Order ?? 'nothing',
    'a number',
  );
}
