import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: the nearest folder above this file that holds package.json (tests run compiled, from dist/). */
export const checkout = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** A committed fixture by its path below test/fixtures. */
export function fixture(...parts: string[]): string {
  return join(checkout, 'test', 'fixtures', ...parts);
}

/** A file of the optional folder of shared test data beside the checkout, or undefined where it is not there. */
export function sharedFile(...parts: string[]): string | undefined {
  const path = join(checkout, '..', 'shared', ...parts);
  return existsSync(path) ? path : undefined;
}
