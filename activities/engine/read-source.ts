import { resolve } from 'node:path';
import { isFileRef } from '../../domain/job.js';
import type { Json } from '../../domain/json.js';
import { ReaderProcess } from '../../domain/machine/reader/reader-process.js';
import { insideWork } from '../../domain/engine/store/paths.js';
import { itemsOfSource, type ListedSource, type SourceItem } from './item-sources.js';

const MODULE = new URL('./item-sources.js', import.meta.url).href;

/**
 * Like {@link itemsOfSource}, in a separate process with limits on time and memory: a source may be any file
 * or folder, and this process must continue to send heartbeats. A list reads only the table of excluded
 * items.
 * @throws SamMilError as {@link itemsOfSource}; Unavailable after the time limit, InvalidInput if the source
 *   needs too much memory
 */
export async function readSource(
  source: ListedSource,
  value: Json,
  base: string,
  work: string,
  exclude: Json = null,
): Promise<SourceItem[]> {
  if (source.kind === 'list') return itemsOfSource(source, value, base, work, exclude);
  const reader = new ReaderProcess();
  const file = isFileRef(value) ? insideWork(work, value.path) : typeof value === 'string' ? value : '';
  try {
    const reading = { module: MODULE, name: 'itemsOfSource', file: resolve(base, file) };
    return await reader.call<typeof itemsOfSource>(reading, source, value, base, work, exclude);
  } finally {
    reader.close();
  }
}
