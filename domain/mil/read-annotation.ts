import { readFileSync } from 'node:fs';
import { SamMilError } from '../errors.js';
import type { Region } from './annotation.js';
import { parseAsapXml } from './asap-xml.js';
import { parseGeoJson } from './geojson.js';

/**
 * Reads the outlined regions of a slide: ASAP XML (CAMELYON16, CAMELYON17) or GeoJSON (QuPath), told apart by content.
 * @throws SamMilError InvalidInput naming the file and the place in it
 */
export function readAnnotation(path: string): Region[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new SamMilError('InvalidInput', "annotation can't be read", {
      file: path,
      found: (cause as Error).message,
      cause,
    });
  }
  const first = text.trimStart()[0];
  if (first === '<') return parseAsapXml(text, path);
  if (first === '{' || first === '[') return parseGeoJson(text, path);
  throw new SamMilError('InvalidInput', 'not an annotation', { file: path, expected: 'ASAP XML or GeoJSON' });
}
