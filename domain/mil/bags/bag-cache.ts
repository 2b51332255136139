import { statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { SamMilError } from '../../errors.js';
import { tf } from '../compute/backend.js';
import { TaskThread } from '../../machine/threads/task-thread.js';
import type { ReadTask } from './bag-thread.js';
import { loadBag, type BagEntry, type HostBag } from './bags.js';
import { placedBag, type Bag } from './bag.js';
import { measure, standardized, type Standardization } from './standardize.js';

/** Reading a smaller file takes no longer than sending the request to a thread. */
const WORTH_A_THREAD = 131_072;

/** Number of bags that are read ahead. */
const READ_AHEAD = 2;

export interface BagCacheOptions {
  /** Whether bags keep their group rows. */
  groupFeatures: boolean;
  /** Bytes of features to keep. Default: a quarter of the machine's memory. */
  limit?: number;
  /** Minimum size in bytes of a file that is read ahead on a thread. */
  worthAThread?: number;
}

/**
 * Bags on the device, read on first use. The first bags are kept up to the limit; each further bag is read
 * for every use and released after it. Training visits all bags in a new order each epoch, so the hit rate
 * equals the share of bags that fits. A least-recently-used cache would mostly evict the bags that come next.
 */
export class BagCache {
  /** Applied to every bag, once {@link standardizeBy} has measured it. */
  standardization: Standardization | undefined;
  /** Length of a feature vector, known once the first bag has been read. */
  private dim: number | undefined;
  private readonly entries: ReadonlyMap<string, BagEntry>;
  private readonly groupFeatures: boolean;
  private readonly limit: number;
  private readonly worthAThread: number;
  private readonly held = new Map<string, Bag>();
  private bytes = 0;
  /** The current bag, if it is beyond the limit. */
  private passing: { key: string; bag: Bag } | undefined;
  /** Reads bags while the caller computes. */
  private readonly reader = new TaskThread<ReadTask, HostBag>(new URL('./bag-thread.js', import.meta.url));
  /** Bags that the thread is reading, and bags that have arrived but were not used yet. */
  private readonly coming = new Map<string, Promise<void>>();
  private readonly arrived = new Map<string, HostBag>();

  constructor(entries: readonly BagEntry[], options: BagCacheOptions) {
    this.entries = new Map(entries.map((entry) => [entry.key, entry]));
    this.groupFeatures = options.groupFeatures;
    this.limit = options.limit ?? totalmem() / 4;
    this.worthAThread = options.worthAThread ?? WORTH_A_THREAD;
  }

  /**
   * Yields the items with their bags, in order. A bag is valid until the next one is requested. The following
   * bags are read while the caller computes.
   *
   * @param following the items of the next walk, whose first bags are read while the last of these are used
   * @throws SamMilError as {@link get}, when the walk reaches the bag
   */
  async *walk<Item extends { key: string }>(
    items: readonly Item[],
    following: readonly { key: string }[] = [],
  ): AsyncGenerator<Item & { bag: Bag }, void, undefined> {
    const keys = [...items, ...following.slice(0, READ_AHEAD)].map(({ key }) => key);
    for (const [i, item] of items.entries()) {
      const coming = this.coming.get(item.key);
      if (coming !== undefined) await coming;
      this.readAhead(keys.slice(i + 1, i + 1 + READ_AHEAD));
      yield { ...item, bag: this.get(item.key) };
    }
  }

  /**
   * Returns the bag of a key, which is valid until the next call.
   *
   * @throws SamMilError as `loadBag`; CountMismatch where its feature vectors differ in length from those of
   *   the other bags
   */
  get(key: string): Bag {
    const held = this.held.get(key);
    if (held !== undefined) return held;
    if (this.passing?.key === key) return this.passing.bag;
    this.releasePassing();
    return this.place(key, this.read(key));
  }

  /**
   * Measures mean and deviation over the instances of the given bags, and standardizes every bag with them
   * from then on. Takes two passes; bags that fit within the limit are read only once.
   */
  standardizeBy(keys: readonly string[]): void {
    this.dispose();
    let bytes = 0;
    const read = (key: string): HostBag => {
      const bag = this.arrived.get(key) ?? this.check(key);
      const isNew = !this.arrived.has(key);
      if (isNew && bytes + bag.features.byteLength <= this.limit) {
        bytes += bag.features.byteLength;
        this.arrived.set(key, bag);
      }
      return bag;
    };
    const { dim } = read(keys[0]);
    const matrices = {
      *[Symbol.iterator]() {
        for (const key of keys) yield read(key).features;
      },
    };
    this.standardization = measure(matrices, dim);
  }

  dispose(): void {
    this.releasePassing();
    for (const bag of this.held.values()) bag.x.dispose();
    this.held.clear();
    this.arrived.clear();
    this.bytes = 0;
    this.reader.close();
  }

  /**
   * Requests these bags from the thread, in this order. This only affects the time that {@link get} takes.
   */
  private readAhead(keys: readonly string[]): void {
    for (const key of keys) {
      const entry = this.entries.get(key);
      const known = this.held.has(key) || this.coming.has(key) || this.arrived.has(key);
      if (entry === undefined || known || this.passing?.key === key) continue;
      // A missing file is reported when the walk reaches it.
      const size = statSync(entry.features, { throwIfNoEntry: false })?.size ?? 0;
      if (size < this.worthAThread) continue;
      const arrival = this.reader.run({ entry, groupFeatures: this.groupFeatures }).then((bag) => {
        this.coming.delete(key);
        if (bag !== undefined) this.arrived.set(key, bag);
      });
      this.coming.set(key, arrival);
    }
  }

  private place(key: string, { features, rows, dim, isGroup, area, coords }: HostBag): Bag {
    const { standardization } = this;
    const values = standardization === undefined ? features : standardized(features, standardization);
    const bag = placedBag({ x: tf.tensor2d(values, [rows, dim]), rows, isGroup, area, coords });
    if (this.bytes + values.byteLength <= this.limit) {
      this.held.set(key, bag);
      this.bytes += values.byteLength;
    } else {
      this.passing = { key, bag };
    }
    return bag;
  }

  private releasePassing(): void {
    this.passing?.bag.x.dispose();
    this.passing = undefined;
  }

  private read(key: string): HostBag {
    const arrived = this.arrived.get(key);
    this.arrived.delete(key);
    return this.check(key, arrived);
  }

  private check(key: string, read?: HostBag): HostBag {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      throw new SamMilError('InvalidInput', `bag "${key}" of the splits is missing from the bags`, {
        expected: 'splits made from these bags',
        next: 'run mil.split again with the same `bags`',
      });
    }
    const bag = read ?? loadBag(entry, { groupFeatures: this.groupFeatures });
    this.dim ??= bag.dim;
    if (bag.dim === this.dim) return bag;
    throw new SamMilError(
      'CountMismatch',
      'the feature vectors differ in length from those of the other bags',
      {
        file: entry.features,
        expected: `${this.dim} numbers per row`,
        found: `${bag.dim}`,
        next: 'extract all slides with the same encoder',
      },
    );
  }
}
