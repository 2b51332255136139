import { isAbsolute, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { FeaturesReader, groupFlags, readSamInfoOf } from '../../pathology/layouts/bag-files.js';
import { noInstance } from '../../pathology/layouts/feature-matrix.js';
import { openFeatureRows, type FeatureRows } from '../../pathology/layouts/feature-rows.js';
import { rowsWithoutGroups } from '../../pathology/layouts/rows-without-groups.js';
import { withFileBytes } from '../../files/file-bytes.js';
import { readItems } from '../../engine/store/items.js';
import type { InputFile, ItemRecord } from '../../job.js';
import { isFileRef } from '../../job.js';
import { firstNames } from './first-names.js';

/** Where a bag lies. */
export interface BagEntry {
  /** The item's key: what labels and splits name it by. */
  key: string;
  /** Absolute path of the features file (h5 or pt). */
  features: string;
  digest: string;
  /** Absolute path of its sam_info file, where it has one. */
  samInfo?: string;
  samInfoDigest?: string;
}

/** A bag in memory. */
export interface HostBag {
  /** rows x dim, row-major, finite. */
  features: Float32Array;
  rows: number;
  dim: number;
  /** rows x 2 (x, y) in level-0 pixels; -1, -1 for group rows. */
  coords: Int32Array;
  /** 1 for group rows. */
  isGroup: Uint8Array;
  /** `relative_area`: 0 for group rows, 1 for a patch in no mask, else the area of its smallest mask in pixels of the SAM image. */
  area: Float32Array;
}

/**
 * The bags of an items file: its finished items, each with an output `bag`, `h5` or `pt` and perhaps `sam-info`.
 * @param work absolute path of the work folder, which the outputs' paths are relative to
 * @throws SamMilError InvalidInput naming the item that has no features
 */
export function listBags(itemsPath: string, work: string): BagEntry[] {
  return readItems(itemsPath)
    .filter(({ status }) => status === 'done')
    .map((item) => bagEntry(item, work, itemsPath));
}

/**
 * The bags of some slides, each once, in the order of the keys.
 * @throws SamMilError InvalidInput naming the slides of the splits that have no bag
 */
export function bagsOf(
  keys: readonly string[],
  entries: readonly BagEntry[],
  { splits, bags }: Record<'splits' | 'bags', InputFile>,
): Map<string, BagEntry> {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const missing = keys.filter((key) => !byKey.has(key));
  if (missing.length > 0) {
    throw new SamMilError('InvalidInput', 'the splits name slides that have no bag', {
      file: splits.path,
      expected: `slides among the ${entries.length} of ${bags.name}`,
      found: `${missing.length}: ${firstNames(missing)}`,
      next: 'run mil.split again with the same `bags`',
    });
  }
  return new Map(keys.map((key) => [key, byKey.get(key) as BagEntry]));
}

function bagEntry(item: ItemRecord, work: string, file: string): BagEntry {
  const { bag, h5, pt, 'sam-info': samInfo } = item.outputs;
  const features = [bag, h5, pt].find(isFileRef);
  if (features === undefined) {
    throw new SamMilError('InvalidInput', `item "${item.key}" has no features`, {
      file,
      expected: 'an output named bag, h5 or pt that is a file',
      found: Object.keys(item.outputs).join(', ') || 'no outputs',
      next: 'take `bags` from a stage that ends with pathology.extract',
    });
  }
  return {
    key: item.key,
    features: inWork(features.path, work),
    digest: features.digest,
    ...(isFileRef(samInfo) ? { samInfo: inWork(samInfo.path, work), samInfoDigest: samInfo.digest } : {}),
  };
}

function inWork(path: string, work: string): string {
  return isAbsolute(path) ? path : join(work, path);
}

/**
 * Reads and checks a bag. Where the entry says the files' digests they must be those: the cache key of what is trained on them names the digests, so
 * an edited file would leave a model that can't be traced.
 * @param options.groupFeatures false leaves the group rows out
 * @throws SamMilError CountMismatch where features and sam_info differ in rows; InvalidInput on NaN, an empty bag, a sam_info of another slide, or a
 *   file that was changed after it was published
 */
export function loadBag(
  entry: Pick<BagEntry, 'features' | 'samInfo'> & Partial<BagEntry>,
  options: { groupFeatures: boolean },
): HostBag {
  requireDigest(entry.features, entry.digest);
  if (entry.samInfo !== undefined) requireDigest(entry.samInfo, entry.samInfoDigest);
  const file = openFeatureRows(entry.features);
  try {
    return readBag(file, entry, options.groupFeatures);
  } finally {
    file.close();
  }
}

/** Digests by path and stamp: a bag that does not fit in memory is read again each epoch. */
const known = new Map<string, { stamp: string; digest: string }>();

function requireDigest(path: string, expected: string | undefined): void {
  if (expected === undefined) return;
  const found = withFileBytes(path, (file) => {
    const kept = known.get(path);
    if (kept?.stamp === file.stamp) return kept.digest;
    const digest = file.digest();
    known.set(path, { stamp: file.stamp, digest });
    return digest;
  });
  if (found === expected) return;
  throw new SamMilError('InvalidInput', 'the file was changed after it was published', {
    file: path,
    expected,
    found,
    next: 'run the pipeline again: the changed file is noticed and made anew',
  });
}

/** A .pt file is a bare tensor: its coords are those of the sam_info beside it, else all 0. */
function readBag(
  file: FeatureRows,
  { features: path, samInfo }: Pick<BagEntry, 'features' | 'samInfo'>,
  groupFeatures: boolean,
): HostBag {
  const own = file instanceof FeaturesReader ? file.coords() : undefined;
  const info = samInfo === undefined ? undefined : readSamInfoOf(samInfo, file.rows, own);
  const coords = own ?? info?.coords ?? new Int32Array(file.rows * 2);
  const isGroup = info?.isGroupFeat ?? groupFlags(coords);
  // Without a sam_info no patch is known to lie in a mask.
  const area = info?.relativeArea ?? Float32Array.from(isGroup, (group) => 1 - group);
  const kept = groupFeatures ? { features: file, coords } : rowsWithoutGroups(file, coords, isGroup);
  const { rows, dim } = kept.features;
  if (rows === 0) throw noInstance(path, file.rows);
  const features = kept.features.readRows(0, rows);
  const places = { features, rows, dim, coords: kept.coords };
  if (rows === file.rows) return { ...places, isGroup, area };
  return { ...places, isGroup: new Uint8Array(rows), area: area.filter((_, row) => isGroup[row] === 0) };
}
