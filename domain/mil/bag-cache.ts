import { totalmem } from 'node:os';
import { SamMilError } from '../errors.js';
import { tf } from './backend.js';
import { loadBag, type BagEntry } from './bags.js';
import type { Bag } from './model.js';

interface Cached {
  bag: Bag;
  bytes: number;
}

/**
 * Bags on the device, read on first use and kept while they fit; the one that was used longest ago goes first. Training walks the bags in a new
 * order every epoch, so most of what is kept is hit again.
 */
export class BagCache {
  /** Length of a feature vector, once the first bag was read. */
  dim: number | undefined;
  private readonly entries: ReadonlyMap<string, BagEntry>;
  private readonly groupFeatures: boolean;
  private readonly limit: number;
  private readonly held = new Map<string, Cached>();
  private bytes = 0;

  /** @param limit bytes of features to keep; default a quarter of the machine's memory */
  constructor(entries: readonly BagEntry[], groupFeatures: boolean, limit = totalmem() / 4) {
    this.entries = new Map(entries.map((entry) => [entry.key, entry]));
    this.groupFeatures = groupFeatures;
    this.limit = limit;
  }

  /**
   * The bag of a key; valid until the next call.
   * @throws SamMilError as `loadBag`, CountMismatch when its features have another length than the others'
   */
  get(key: string): Bag {
    const cached = this.held.get(key) ?? this.load(key);
    this.held.delete(key);
    this.held.set(key, cached);
    this.evict();
    return cached.bag;
  }

  dispose(): void {
    for (const { bag } of this.held.values()) bag.x.dispose();
    this.held.clear();
    this.bytes = 0;
  }

  private load(key: string): Cached {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      throw new SamMilError('InvalidInput', `bag "${key}" of the splits is not among the bags`, {
        expected: 'splits made from these bags',
        next: 'run mil.split again with the same `bags`',
      });
    }
    const { features, rows, dim, isGroup, area } = loadBag(entry, { groupFeatures: this.groupFeatures });
    this.dim ??= dim;
    if (dim !== this.dim) {
      throw new SamMilError(
        'CountMismatch',
        'the features have another length than those of the other bags',
        {
          file: entry.features,
          expected: `${this.dim} numbers a row`,
          found: `${dim}`,
          next: 'extract all slides with one encoder',
        },
      );
    }
    const cached = {
      bag: { x: tf.tensor2d(features, [rows, dim]), rows, isGroup, area },
      bytes: features.byteLength,
    };
    this.bytes += cached.bytes;
    return cached;
  }

  /** Never the newest: it is in use. */
  private evict(): void {
    for (const [key, { bag, bytes }] of this.held) {
      if (this.bytes <= this.limit || this.held.size === 1) return;
      bag.x.dispose();
      this.held.delete(key);
      this.bytes -= bytes;
    }
  }
}
