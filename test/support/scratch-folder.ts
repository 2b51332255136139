import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A folder for the files of one test file; it goes when the tests are done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
