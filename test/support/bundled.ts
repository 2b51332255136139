import { fileURLToPath } from 'node:url';

/** Absolute path of a file or folder below pipelines/data, the bundled slide and patches. */
export function bundled(path: string): string {
  return fileURLToPath(new URL(`../../../pipelines/data/${path}`, import.meta.url));
}

export const BUNDLED_SLIDE = bundled('slides/CMU-1-Small-Region.svs');
