import { SamMilError } from '../../errors.js';
import { readDecimal } from '../../files/decimal.js';
import { visitXml, XmlFault, type XmlElement } from '../../files/xml.js';
import { countUp, enclosesArea, isExclusion, isOnSlide, offSlide } from './region.js';
import type { Annotation, Region } from './region.js';

/** Annotation types that enclose an area, and those that do not. */
const AREAS = ['Polygon', 'Spline', 'Rectangle'];
const NO_AREAS = ['Dot', 'PointSet', 'Measurement', 'None'];

/** Elements of Aperio ImageScope, whose files have the same outer elements. */
const IMAGE_SCOPE = ['Regions', 'Region', 'Vertices', 'Vertex'];

interface Outline {
  element: XmlElement;
  points: { order: number; at: [number, number] }[];
}

/**
 * Parses the regions of an ASAP annotation file: `Annotation` elements of type Polygon, Spline or Rectangle
 * with `Coordinate Order X Y` (level-0 pixels). A group that is part of an exclusion is an exclusion.
 * @param file named in errors
 * @throws SamMilError InvalidInput with file:line on invalid XML or coordinates
 */
export function parseAsapXml(text: string, file: string): Annotation {
  const outlines: Outline[] = [];
  const passedOver: Record<string, number> = {};
  const parents = new Map<string, string>();
  visit(text, file, (element, above) => {
    const { name, attributes, line } = element;
    refuseOtherFormat(file, element, above);
    if (name === 'Group') parents.set(attributes.Name ?? '', attributes.PartOfGroup ?? 'None');
    if (name === 'Annotation') {
      const type = attributes.Type ?? 'Polygon';
      if (AREAS.includes(type)) outlines.push({ element, points: [] });
      else if (NO_AREAS.includes(type)) countUp(passedOver, type);
      else
        throw refuse(
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

function visit(
  text: string,
  file: string,
  open: (element: XmlElement, above: readonly XmlElement[]) => void,
) {
  try {
    visitXml(text.trimStart(), { open });
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    throw new SamMilError('InvalidInput', 'invalid XML', {
      file: `${file}:${error.line}`,
      expected: 'well-formed XML',
      found: error.message,
      cause: error,
    });
  }
}

function refuseOtherFormat(
  file: string,
  { name, attributes, line }: XmlElement,
  above: readonly XmlElement[],
): void {
  const root = above.length === 0;
  const expected = '<ASAP_Annotations>';
  if (root && name !== 'ASAP_Annotations' && name !== 'Annotations')
    throw refuse(file, line, 'the file is not an ASAP annotation file', `<${name}>`, expected);
  const isImageScope =
    IMAGE_SCOPE.includes(name) || (name === 'Annotation' && /^\d+$/.test(attributes.Type ?? ''));
  if (above[0]?.name === 'Annotations' && isImageScope)
    throw refuse(
      file,
      line,
      'the file is not an ASAP annotation file',
      'an Aperio ImageScope file',
      expected,
    );
}

function toRegion({ element, points }: Outline, parents: ReadonlyMap<string, string>, file: string): Region {
  const { attributes, line } = element;
  const ring = points.sort((a, b) => a.order - b.order).map(({ at }) => at);
  if (!enclosesArea(ring)) {
    throw refuse(
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
    excluded: lines.some(isExclusion),
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

function coordinate({ attributes, line }: XmlElement, file: string): { order: number; at: [number, number] } {
  const number = (name: string) => {
    const value = readDecimal(attributes[name]);
    if (value !== undefined) return value;
    throw refuse(file, line, `coordinate ${name} is not a number`, attributes[name] ?? 'nothing', 'a number');
  };
  const [x, y] = [number('X'), number('Y')];
  if (!isOnSlide(x) || !isOnSlide(y)) throw offSlide(`${file}:${line}`, `${x}, ${y}`);
  return { order: number('Order'), at: [x, y] };
}

function refuse(file: string, line: number, what: string, found: string, expected: string): SamMilError {
  return new SamMilError('InvalidInput', what, { file: `${file}:${line}`, expected, found });
}
