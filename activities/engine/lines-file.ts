import { digestOf } from '../../domain/digest.js';
import { relativeToWork } from '../../domain/engine/store/paths.js';
import { writeDurably } from '../../domain/files/durable-file.js';
import type { FileRef } from '../../domain/job.js';
import { jsonLines } from '../../domain/json.js';

/**
 * Writes a file of JSON lines.
 * @param work absolute work folder
 * @param path absolute path of the file in it
 */
export async function writeLines(work: string, path: string, values: readonly unknown[]): Promise<FileRef> {
  const text = jsonLines(values);
  await writeDurably(work, path, text);
  return { path: relativeToWork(work, path) ?? path, digest: digestOf(text), bytes: Buffer.byteLength(text) };
}
