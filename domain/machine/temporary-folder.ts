import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeProcessFolder, removeDeadFolders } from './process-folder.js';

const PREFIX = 'sam-mil-tmp-';

let own: string | undefined;

/**
 * Creates a temporary folder. The caller removes it when it is done; what is left is removed when the process
 * exits or, if it is killed, when the next worker of this user starts.
 */
export function makeTemporaryFolder(): string {
  own ??= makeOwn();
  return mkdtempSync(join(own, 'x-'));
}

/** Removes what killed processes of this user left in the temporary folder. */
export function sweepTemporaryFolder(): Promise<void> {
  return removeDeadFolders(tmpdir(), PREFIX);
}

function makeOwn(): string {
  const folder = makeProcessFolder(tmpdir(), PREFIX);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
