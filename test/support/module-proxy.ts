import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';

/**
 * Writes a Go module into a folder that serves as module proxy (`GOPROXY=file://FOLDER`), as specified in
 * https://go.dev/ref/mod#goproxy-protocol. Returns its two lines of go.sum.
 */
export function writeModule(
  folder: string,
  path: string,
  version: string,
  files: Readonly<Record<string, string>>,
): string {
  const versions = join(folder, path, '@v');
  mkdirSync(versions, { recursive: true });
  const members = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [`${path}@${version}/${name}`, text]),
  );
  const bytes = Object.fromEntries(Object.entries(members).map(([name, text]) => [name, strToU8(text)]));
  writeFileSync(join(versions, `${version}.info`), JSON.stringify({ Version: version }));
  writeFileSync(join(versions, `${version}.mod`), files['go.mod']);
  writeFileSync(join(versions, `${version}.zip`), zipSync(bytes));
  const sums = [
    `${path} ${version} ${sumOf(members)}`,
    `${path} ${version}/go.mod ${sumOf({ 'go.mod': files['go.mod'] })}`,
  ];
  return `${sums.join('\n')}\n`;
}

/** Go's `h1` digest of a set of files. */
function sumOf(files: Readonly<Record<string, string>>): string {
  const lines = Object.keys(files)
    .sort()
    .map((name) => `${createHash('sha256').update(files[name]).digest('hex')}  ${name}\n`);
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}
