import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfJson } from '../../digest.js';
import { writeAtomic } from '../../files/atomic.js';

const IDENTITY_FILE = 'batches.json';
const DIGEST_BYTES = 32;

/** Shape of the bag being encoded and of its batches. */
export interface BatchLayout {
  rows: number;
  dim: number;
  batchSize: number;
}

/**
 * Stores finished batches of an extraction, one file per batch in the checkpoint folder: float32 rows and the
 * SHA-256 of identity and rows. A file appears whole or not at all (private name, fsync, rename). A damaged
 * file, or one from a concurrent attempt with another identity, is detected and recomputed. Concurrent
 * attempts with the same identity write the same bytes.
 */
export class BatchStore {
  readonly count: number;
  private readonly folder: string;
  private readonly layout: BatchLayout;
  private readonly identity: string;

  /**
   * @param identity everything that determines the bits of the features (encoder, provider, coords, batches);
   * batches with another identity are dropped
   */
  constructor(folder: string, layout: BatchLayout, identity: unknown) {
    this.folder = folder;
    this.layout = layout;
    this.count = Math.ceil(layout.rows / layout.batchSize);
    this.identity = digestOfJson({ layout, identity });
    this.claim();
  }

  /** First row and row count of a batch. */
  range(batch: number): { start: number; count: number } {
    const start = batch * this.layout.batchSize;
    return { start, count: Math.min(this.layout.batchSize, this.layout.rows - start) };
  }

  /** Yields all batches in order. All must be committed. */
  *blocks(): Generator<{ start: number; features: Float32Array }> {
    for (let batch = 0; batch < this.count; batch++) {
      yield { start: this.range(batch).start, features: this.read(batch) };
    }
  }

  /** Lists the batches that are not committed. Reads and checks every file. */
  missing(): number[] {
    return Array.from({ length: this.count }, (_, batch) => batch).filter(
      (batch) => this.find(batch) === undefined,
    );
  }

  commit(batch: number, features: Float32Array): void {
    const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
    writeAtomic(this.path(batch), Buffer.concat([bytes, this.seal(bytes)]));
  }

  /** Reads the rows of a committed batch. */
  read(batch: number): Float32Array {
    const features = this.find(batch);
    if (features === undefined) throw new Error(`${this.path(batch)}: this batch was not committed`);
    return features;
  }

  private find(batch: number): Float32Array | undefined {
    let file: Buffer;
    try {
      file = readFileSync(this.path(batch));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const length = this.range(batch).count * this.layout.dim * Float32Array.BYTES_PER_ELEMENT;
    const features = file.subarray(0, length);
    if (file.length !== length + DIGEST_BYTES || !this.seal(features).equals(file.subarray(length)))
      return undefined;
    return new Float32Array(Uint8Array.from(features).buffer);
  }

  private seal(bytes: Uint8Array): Buffer {
    return createHash('sha256').update(this.identity).update(bytes).digest();
  }

  private claim(): void {
    const path = join(this.folder, IDENTITY_FILE);
    if (readText(path) === this.identity) return;
    for (const name of readdirSync(this.folder)) {
      if (name.startsWith('batch-')) rmSync(join(this.folder, name), { force: true });
    }
    writeAtomic(path, this.identity);
  }

  private path(batch: number): string {
    return join(this.folder, `batch-${String(batch).padStart(6, '0')}.f32`);
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
