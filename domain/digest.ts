import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { canonicalJson } from './json.js';

/** `sha256:<hex>` of text or bytes. */
export function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** `sha256:<hex>` of the canonical JSON of a value. */
export function digestOfJson(value: unknown): string {
  return digestOf(canonicalJson(value));
}

/** `sha256:<hex>` of a file's content, read as a stream (constant memory). Throws the file system's own error. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
