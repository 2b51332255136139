import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, digestOfJson } from '../../../digest.js';
import { writeAtomic } from '../../../files/atomic.js';
import type { Candidate } from './candidate.js';
import type { FoundInCrop } from './search-crop.js';

/**
 * Stores finished crops in the checkpoint folder, one file per crop: a line with the SHA-256 of identity and
 * content, then the content as JSON, including run lengths. A file appears whole or not at all. Files that
 * are damaged or belong to another image, other parameters or other weights are ignored.
 */
export class CropStore {
  private readonly folder: string;
  private readonly identity: string;

  /** @param identity everything that determines the bits of the masks */
  constructor(folder: string, identity: unknown) {
    this.folder = folder;
    this.identity = digestOfJson(identity);
  }

  commit(crop: number, found: FoundInCrop): void {
    const candidates = found.candidates.map((one) => ({
      ...one,
      rle: { size: one.rle.size, counts: [...one.rle.counts] },
    }));
    const content = JSON.stringify({ ...found, candidates });
    writeAtomic(this.path(crop), `${this.seal(crop, content)}\n${content}`);
  }

  find(crop: number): FoundInCrop | undefined {
    let text: string;
    try {
      text = readFileSync(this.path(crop), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const line = text.indexOf('\n');
    const content = text.slice(line + 1);
    if (line < 0 || text.slice(0, line) !== this.seal(crop, content)) return undefined;
    // The seal guarantees the shape, because only `commit` creates it.
    const found = JSON.parse(content) as FoundInCrop;
    for (const { rle } of found.candidates as (Candidate & { rle: { counts: Iterable<number> } })[]) {
      rle.counts = Uint32Array.from(rle.counts);
    }
    return found;
  }

  private seal(crop: number, content: string): string {
    return digestOf(`${this.identity}\n${crop}\n${content}`);
  }

  private path(crop: number): string {
    return join(this.folder, `crop-${String(crop).padStart(4, '0')}.json`);
  }
}
