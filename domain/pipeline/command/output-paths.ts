import { posix } from 'node:path';

/**
 * Returns why a text cannot be the path of an output; undefined if it can: a relative path with `/`, below
 * the folder that it is relative to, none of whose parts is hidden.
 */
export function outputPathFault(path: string): string | undefined {
  if ([...path].some((letter) => letter < ' ' || letter === '\u007f'))
    return 'it contains a control character';
  if (path.includes('\\')) return 'it contains a backslash';
  if (posix.isAbsolute(path)) return 'it is absolute';
  const parts = path.split('/');
  if (parts.includes('..')) return 'it leaves the working folder of the program';
  if (parts.some((part) => part === '')) return 'it has an empty part';
  if (parts.some((part) => part.startsWith('.'))) return 'a part of it begins with a dot';
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return 'a part of it is longer than 255 bytes';
  return undefined;
}

/** Returns two names of which one path is, or contains, the other; undefined if there are none. */
export function sharedPath(outputs: Readonly<Record<string, string>>): [string, string] | undefined {
  const entries = Object.entries(outputs);
  for (const [i, [name, path]] of entries.entries()) {
    const other = entries
      .slice(i + 1)
      .find(([, next]) => next === path || next.startsWith(`${path}/`) || path.startsWith(`${next}/`));
    if (other !== undefined) return [name, other[0]];
  }
  return undefined;
}
