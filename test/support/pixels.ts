import { decodeImage, type Pixels } from '../../domain/slides/images.js';
import { fixture } from './fixture.js';

/** Pixels of an image below test/fixtures. */
export function fixturePixels(path: string): Promise<Pixels> {
  return decodeImage(fixture(path));
}
