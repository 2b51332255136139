import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformKey } from '../../domain/machine/cache-folder.js';
import { lastLine, runCommand } from '../../domain/machine/run-command.js';
import { scratchFolder } from './scratch-folder.js';

/** Another version of Node, or why it is not available on this machine. */
export type FetchedNode = { program: string } | { lack: string };

const folder = scratchFolder();

/**
 * The newest Node of a major version that npm has a package of for this platform, in a folder that is removed
 * after the tests.
 */
export async function fetchNode(major: number): Promise<FetchedNode> {
  const name = `node-${platformKey()}`;
  const place = join(folder, String(major));
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{ "private": true }');
  // The package contains only the program; it needs no install scripts.
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${major}`];
  const result = await runCommand('npm', args, { cwd: place });
  if (result.code !== 0) return { lack: `${name}@${major} cannot be installed: ${lastLine(result)}` };
  return { program: join(place, 'node_modules', name, 'bin', 'node') };
}
