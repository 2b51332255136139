import { join } from 'node:path';
import { checkout } from './fixtures.js';

/** Absolute path of a file or folder below pipelines/data, the bundled slide and patches. */
export function bundled(path: string): string {
  return join(checkout, 'pipelines', 'data', `${path}`);
}

export const BUNDLED_SLIDE = bundled('slides/CMU-1-Small-Region.svs');
