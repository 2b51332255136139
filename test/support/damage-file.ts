import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/** Ways in which a file is damaged. A flipped bit keeps size and modification time. */
export const DAMAGES = ['truncate', 'flip', 'delete', 'append', 'zero'] as const;
export type Damage = (typeof DAMAGES)[number];

export function damageFile(path: string, how: Damage): void {
  const { size, atime, mtime } = statSync(path);
  switch (how) {
    case 'truncate':
      return truncateSync(path, Math.floor(size / 2));
    case 'flip':
      flipBit(path, Math.floor(size / 2));
      return utimesSync(path, atime, mtime);
    case 'delete':
      return rmSync(path);
    case 'append':
      return writeFileSync(path, 'x', { flag: 'a' });
    case 'zero':
      return writeFileSync(path, new Uint8Array(readFileSync(path).length), { flag: 'r+' });
  }
}

function flipBit(path: string, at: number): void {
  const file = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  readSync(file, byte, 0, 1, at);
  writeSync(file, Uint8Array.of(byte[0] ^ 1), 0, 1, at);
  closeSync(file);
}
