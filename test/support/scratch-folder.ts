import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** Creates a folder for the files of one test file; it is removed when the tests are done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
