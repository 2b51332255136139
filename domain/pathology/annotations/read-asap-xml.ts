import { SamMilError } from '../../errors.js';
import { enclosesArea, isExclusion, isOnSlide, offSlide, type Region } from './region.js';

/**
 * One tag: `<Name a="b">` (open), `<Name/>` (both), `</Name>` (close). Text between tags has no meaning in
 * this format.
 */
interface Tag {
  name: string;
  attributes: Record<string, string>;
  opens: boolean;
  closes: boolean;
  line: number;
}

/** Annotation types that enclose an area; dots, point sets and measurements do not. */
const AREAS = ['Polygon', 'Spline', 'Rectangle'];

/**
 * Parses the regions of an ASAP annotation file: `Annotation` elements of type Polygon, Spline or Rectangle
 * with `Coordinate Order X Y` (level-0 pixels).
 * @param file named in errors
 * @throws SamMilError InvalidInput with file:line on invalid XML or coordinates
 */
export function parseAsapXml(text: string, file: string): Region[] {
  const regions: Region[] = [];
  const open: string[] = [];
  let points: { order: number; at: [number, number] }[] = [];
  let current: Tag | undefined;
  for (const tag of tags(text, file)) {
    if (tag.opens) open.push(tag.name);
    if (open.length === 1 && tag.opens && tag.name !== 'ASAP_Annotations' && tag.name !== 'Annotations') {
      throw refuse(
        file,
        tag.line,
        'the file is not an ASAP annotation file',
        `<${tag.name}>`,
        '<ASAP_Annotations>',
      );
    }
    if (tag.name === 'Annotation' && tag.opens) [current, points] = [tag, []];
    if (tag.name === 'Coordinate' && tag.opens && current) points.push(coordinate(tag, file));
    if (!tag.closes) continue;
    const expected = open.pop();
    if (expected !== tag.name)
      throw refuse(file, tag.line, 'invalid XML', `</${tag.name}>`, `</${expected ?? ''}>`);
    if (tag.name === 'Annotation' && current) {
      if (AREAS.includes(current.attributes.Type ?? 'Polygon')) regions.push(toRegion(current, points, file));
      current = undefined;
    }
  }
  if (open.length > 0)
    throw refuse(file, lineAt(text, text.length), 'invalid XML', 'the end of the file', `</${open.at(-1)}>`);
  return regions;
}

function toRegion(tag: Tag, points: { order: number; at: [number, number] }[], file: string): Region {
  const ring = points.sort((a, b) => a.order - b.order).map(({ at }) => at);
  if (!enclosesArea(ring)) {
    throw refuse(
      file,
      tag.line,
      'the outline has too few points',
      `${points.length}`,
      'at least 3 different ones',
    );
  }
  const group = tag.attributes.PartOfGroup;
  return {
    name: tag.attributes.Name ?? '',
    ...(group === undefined || group === 'None' ? {} : { group }),
    excluded: isExclusion(group),
    rings: [ring],
  };
}

/** Not hexadecimal, which Number reads too. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function coordinate(tag: Tag, file: string): { order: number; at: [number, number] } {
  const number = (name: string) => {
    const text = (tag.attributes[name] ?? '').trim().replace(',', '.');
    if (DECIMAL.test(text)) return Number(text);
    throw refuse(
      file,
      tag.line,
      `coordinate ${name} is not a number`,
      tag.attributes[name] ?? 'nothing',
      'a number',
    );
  };
  const [x, y] = [number('X'), number('Y')];
  if (!isOnSlide(x) || !isOnSlide(y)) throw offSlide(`${file}:${tag.line}`, `${x}, ${y}`);
  return { order: number('Order'), at: [x, y] };
}

function* tags(text: string, file: string): Generator<Tag> {
  const pattern =
    /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!DOCTYPE[^>]*>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|</g;
  let [line, counted] = [1, 0];
  for (const match of text.matchAll(pattern)) {
    for (; counted < match.index; counted++) if (text[counted] === '\n') line++;
    const [whole, closing, name, attributes, alone] = match;
    if (whole === '<')
      throw refuse(file, line, 'invalid XML', text.slice(match.index, match.index + 40), 'a tag');
    if (name === undefined) continue;
    yield {
      name,
      attributes: parseAttributes(attributes),
      opens: closing === '',
      closes: closing === '/' || alone === '/',
      line,
    };
  }
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function parseAttributes(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, double, single] of text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    found[name] = (double ?? single).replace(
      /&(\w+);/g,
      (whole, entity: string) => ENTITIES[entity] ?? whole,
    );
  }
  return found;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function refuse(file: string, line: number, what: string, found: string, expected: string): SamMilError {
  return new SamMilError('InvalidInput', what, { file: `${file}:${line}`, expected, found });
}
