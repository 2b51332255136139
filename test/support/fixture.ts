import { fileURLToPath } from 'node:url';

/** Absolute path of a file below test/fixtures. Compiled tests lie in dist/test/, the fixtures stay where they are. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../../../test/fixtures/${path}`, import.meta.url));
}
