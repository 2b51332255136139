import { SamMilError } from '../../errors.js';
import { readDecimal } from '../../files/decimal.js';
import { visitXml, XmlFault, type XmlElement } from '../../files/xml.js';
import type { Level0Px } from '../../units.js';
import { isOnSlide, offSlide } from './region.js';

/**
 * Visits the elements of an annotation file in order, each with the elements that enclose it.
 * @param file named in errors
 * @throws SamMilError InvalidInput with file:line on invalid XML; what `open` throws
 */
export function readXml(
  text: string,
  file: string,
  open: (element: XmlElement, above: readonly XmlElement[]) => void,
): void {
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

/**
 * Reads the attributes X and Y in level-0 pixels.
 * @throws SamMilError InvalidInput if one is missing, is not a number, or is on no slide
 */
export function xmlPoint({ attributes, line }: XmlElement, file: string): [Level0Px, Level0Px] {
  const [x, y] = (['X', 'Y'] as const).map((name) => {
    const value = readDecimal(attributes[name]);
    if (value !== undefined) return value;
    throw refuseXml(
      file,
      line,
      `coordinate ${name} is not a number`,
      attributes[name] ?? 'nothing',
      'a number',
    );
  });
  if (!isOnSlide(x) || !isOnSlide(y)) throw offSlide(`${file}:${line}`, `${x}, ${y}`);
  return [x, y];
}

export function refuseXml(
  file: string,
  line: number,
  what: string,
  found: string,
  expected: string,
): SamMilError {
  return new SamMilError('InvalidInput', what, { file: `${file}:${line}`, expected, found });
}
