import { createHash } from 'node:crypto';
import { canonicalJson } from './json.js';
import { openRegularHandle } from './regular-file.js';

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
 * @throws SamMilError InvalidInput for anything other than a regular file; the error of the file system
 */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const { handle, status } = await openRegularHandle(path);
  if (status.size === 0n) await handle.close();
  else {
    const end = Number(status.size) - 1;
    for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, end })) {
      hash.update(chunk as Buffer);
    }
  }
  return `sha256:${hash.digest('hex')}`;
}
