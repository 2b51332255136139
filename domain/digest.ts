import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { canonicalJson } from './json.js';

/** SHA-256 of text (UTF-8) or bytes, as `sha256:<hex>`. */
export function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** SHA-256 of the canonical JSON of a value, as `sha256:<hex>`. */
export function digestOfJson(value: unknown): string {
  return digestOf(canonicalJson(value));
}

/**
 * SHA-256 of a file's content, as `sha256:<hex>`. The file is read as a stream, in constant memory.
 * @throws the error of the file system
 */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
