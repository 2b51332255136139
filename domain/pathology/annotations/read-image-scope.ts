import type { XmlElement } from '../../files/xml.js';
import { countUp, enclosesArea, type Annotation, type Region, type Ring } from './region.js';
import { readXml, refuseXml, xmlPoint } from './xml-file.js';

/** Elements that ASAP, whose files have the same outer elements, does not write. */
const OWN = ['Regions', 'Region', 'Vertices', 'Vertex'];

/** `Type` of a region: those that enclose an area. Others are arrows, rulers and pins. */
const [FREEHAND, RECTANGLE, ELLIPSE] = ['0', '1', '2'];

/** Corners of the polygon that stands for an ellipse: its area is 0.1 % smaller. */
const ELLIPSE_POINTS = 96;

interface Layer {
  element: XmlElement;
  names: string[];
}

interface Outline {
  element: XmlElement;
  layer: Layer | undefined;
  points: [number, number][];
}

/**
 * Whether an annotation file in XML is of Aperio ImageScope: `Annotations` with `Regions` or numbered types.
 * @throws SamMilError InvalidInput on invalid XML
 */
export function isImageScope(text: string, file: string): boolean {
  const root = /<([^\s>?!/]+)/.exec(text)?.[1];
  if (root !== 'Annotations') return false;
  let found = false;
  readXml(text, file, ({ name, attributes }, above) => {
    if (above[0]?.name !== 'Annotations') return;
    found ||= OWN.includes(name) || (name === 'Annotation' && /^\d+$/.test(attributes.Type ?? ''));
  });
  return found;
}

/**
 * Parses the regions of an Aperio ImageScope annotation file: freehand outlines, rectangles and ellipses with
 * `Vertex X Y` in level-0 pixels. The classes of a region are its text and the name and description of its
 * layer. Regions with `NegativeROA` are cut out of the others.
 * @param file named in errors
 * @throws SamMilError InvalidInput with file:line on invalid XML or coordinates
 */
export function parseImageScope(text: string, file: string): Annotation {
  const layers: Layer[] = [];
  const outlines: Outline[] = [];
  const passedOver: Record<string, number> = {};
  readXml(text, file, (element, above) => {
    const { name, attributes } = element;
    const layer = layers.at(-1);
    const last = outlines.at(-1);
    if (name === 'Annotation') layers.push({ element, names: [attributes.Name ?? ''] });
    if (name === 'Attribute' && attributes.Name === 'Description' && isDirect(layer, above))
      layer?.names.push(attributes.Value ?? '');
    if (name === 'Region') {
      const type = attributes.Type ?? FREEHAND;
      if ([FREEHAND, RECTANGLE, ELLIPSE].includes(type)) outlines.push({ element, layer, points: [] });
      else countUp(passedOver, `ImageScope region of type ${type}`);
    }
    if (name === 'Vertex' && last !== undefined && above.includes(last.element))
      last.points.push(xmlPoint(element, file));
  });
  return { regions: outlines.map((outline) => toRegion(outline, file)), passedOver };
}

/** An attribute of the layer itself, not of one of its regions. */
function isDirect(layer: Layer | undefined, above: readonly XmlElement[]): boolean {
  return (
    layer !== undefined && above.includes(layer.element) && !above.some(({ name }) => name === 'Regions')
  );
}

function toRegion({ element: { attributes, line }, layer, points }: Outline, file: string): Region {
  const ring = shapeOf(attributes.Type ?? FREEHAND, points);
  if (!enclosesArea(ring))
    throw refuseXml(
      file,
      line,
      'the outline has too few points',
      `${points.length}`,
      'at least 3 different ones',
    );
  const given = [attributes.Text ?? '', ...(layer?.names ?? [])].map((name) => name.trim());
  const classes = [...new Set(given)].filter((name) => name !== '');
  return {
    name: '',
    ...(classes.length === 0 ? {} : { group: classes[0], classes }),
    excluded: attributes.NegativeROA === '1',
    rings: [ring],
  };
}

/** Rectangles and ellipses may be stated by the corners of their boxes only. */
function shapeOf(type: string, points: readonly (readonly [number, number])[]): Ring {
  if (points.length < 2 || type === FREEHAND || (type === RECTANGLE && points.length > 2)) return points;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  if (type === RECTANGLE) {
    return [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ];
  }
  return Array.from({ length: ELLIPSE_POINTS }, (_, i) => {
    const angle = (2 * Math.PI * i) / ELLIPSE_POINTS;
    const x = (left + right) / 2 + ((right - left) / 2) * Math.cos(angle);
    return [x, (top + bottom) / 2 + ((bottom - top) / 2) * Math.sin(angle)] as const;
  });
}
