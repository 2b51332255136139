import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../domain/package-root.js';

/** The checkout: tests run compiled, from dist/, but read files in the source tree. */
export const checkout = packageRoot();

/** Returns the absolute path of a committed fixture below test/fixtures. */
export function fixture(...parts: string[]): string {
  return join(checkout, 'test', 'fixtures', ...parts);
}

/**
 * Returns the path of a file in the optional shared test data next to the checkout, or undefined if it is
 * missing.
 */
export function sharedFile(...parts: string[]): string | undefined {
  const path = join(checkout, '..', 'shared', ...parts);
  return existsSync(path) ? path : undefined;
}
