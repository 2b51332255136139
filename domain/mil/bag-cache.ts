import { totalmem } from 'node:os';
import { SamMilError } from '../errors.js';
import { tf } from './backend.js';
import { loadBag, type BagEntry, type HostBag } from './bags.js';
import type { Bag } from './model.js';
import { measure, standardised, type Standardisation } from './standardise.js';

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
  /** Applied to every bag, once {@link standardiseBy} has measured it. */
  standardisation: Standardisation | undefined;
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

  /** Measures mean and deviation over the instances of the given bags; from then on every bag is standardised by them. */
  standardiseBy(keys: readonly string[]): void {
    this.dispose();
    const read = (key: string) => this.read(key).features;
    const matrices = {
      *[Symbol.iterator]() {
        for (const key of keys) yield read(key);
      },
    };
    read(keys[0]);
    this.standardisation = measure(matrices, this.dim as number);
  }

  dispose(): void {
    for (const { bag } of this.held.values()) bag.x.dispose();
    this.held.clear();
    this.bytes = 0;
  }

  private load(key: string): Cached {
    const { features, rows, dim, isGroup, area } = this.read(key);
    const { standardisation } = this;
    const values = standardisation === undefined ? features : standardised(features, standardisation);
    const x = tf.tensor2d(values, [rows, dim]);
    this.bytes += values.byteLength;
    return { bag: { x, rows, isGroup, area }, bytes: values.byteLength };
  }

  private read(key: string): HostBag {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      throw new SamMilError('InvalidInput', `bag "${key}" of the splits is not among the bags`, {
        expected: 'splits made from these bags',
        next: 'run mil.split again with the same `bags`',
      });
    }
    const bag = loadBag(entry, { groupFeatures: this.groupFeatures });
    this.dim ??= bag.dim;
    if (bag.dim === this.dim) return bag;
    throw new SamMilError('CountMismatch', 'the features have another length than those of the other bags', {
      file: entry.features,
      expected: `${this.dim} numbers a row`,
      found: `${bag.dim}`,
      next: 'extract all slides with one encoder',
    });
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
