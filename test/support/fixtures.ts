import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../domain/package-root.js';

/** The checkout: tests run compiled, from dist/, and read files that stay where they are. */
export const checkout = packageRoot();

/** A committed fixture by its path below test/fixtures. */
export function fixture(...parts: string[]): string {
  return join(checkout, 'test', 'fixtures', ...parts);
}

/** A file of the optional folder of shared test data beside the checkout, or undefined where it is not there. */
export function sharedFile(...parts: string[]): string | undefined {
  const path = join(checkout, '..', 'shared', ...parts);
  return existsSync(path) ? path : undefined;
}
