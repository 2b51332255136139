import { isAbsolute, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { readFeatures, readSamInfo } from '../../pathology/layouts/bag-files.js';
import { withFileBytes } from '../../files/file-bytes.js';
import { float32Of } from '../../files/tensor.js';
import { readPtTensor } from '../../files/torch/torch-pt.js';
import { readItems } from '../../engine/store/items.js';
import type { ItemRecord } from '../../job.js';
import { isFileRef } from '../../job.js';

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
  const { features, rows, dim, coords } = readBagFile(entry);
  const info = entry.samInfo === undefined ? guessedInfo(coords) : matchingInfo(entry.samInfo, coords, rows);
  const bag = { features, rows, dim, coords, ...info };
  const wanted = options.groupFeatures ? bag : withoutGroups(bag);
  if (wanted.rows > 0) return wanted;
  throw new SamMilError('InvalidInput', 'the bag holds no instance', {
    file: entry.features,
    expected: 'at least one feature row',
    found: `${rows} rows${rows > 0 ? ', all of them group features' : ''}`,
  });
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

interface BagFile {
  features: Float32Array;
  rows: number;
  dim: number;
  coords: Int32Array;
}

/** A .pt file is a bare tensor: its coords are those of the sam_info beside it, else all 0. */
function readBagFile({ features: path, samInfo }: Pick<BagEntry, 'features' | 'samInfo'>): BagFile {
  if (!path.endsWith('.pt')) return readFeatures(path);
  const tensor = readPtTensor(path);
  const shape = tensor.shape[0] === 1 && tensor.shape.length === 3 ? tensor.shape.slice(1) : tensor.shape;
  if (shape.length !== 2) {
    throw new SamMilError('InvalidInput', 'the features have the wrong shape', {
      file: path,
      expected: 'N x D or 1 x N x D',
      found: tensor.shape.join(' x '),
    });
  }
  const [rows, dim] = shape;
  const features = float32Of(tensor);
  const bad = features.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new SamMilError('InvalidInput', 'the features hold values that are not finite', {
      file: path,
      found: `${features[bad]} in row ${Math.floor(bad / dim)}, column ${bad % dim}`,
    });
  }
  const coords = samInfo === undefined ? new Int32Array(rows * 2) : readSamInfo(samInfo).coords;
  return { features, rows, dim, coords };
}

/** Without a sam_info: group rows are known by their coords, and no patch is known to lie in a mask. */
function guessedInfo(coords: Int32Array): Pick<HostBag, 'isGroup' | 'area'> {
  const isGroup = Uint8Array.from({ length: coords.length / 2 }, (_, row) =>
    coords[2 * row] === -1 && coords[2 * row + 1] === -1 ? 1 : 0,
  );
  return { isGroup, area: Float32Array.from(isGroup, (group) => 1 - group) };
}

function matchingInfo(path: string, coords: Int32Array, rows: number): Pick<HostBag, 'isGroup' | 'area'> {
  const info = readSamInfo(path);
  if (info.coords.length !== rows * 2) {
    throw new SamMilError('CountMismatch', 'sam_info and features do not match', {
      file: path,
      expected: `${rows} rows, as the features have`,
      found: `${info.coords.length / 2} rows`,
    });
  }
  const other = coords.findIndex((value, i) => info.coords[i] !== value);
  if (other >= 0) {
    throw new SamMilError('InvalidInput', 'sam_info belongs to another features file', {
      file: path,
      expected: `coords of row ${other >> 1} as in the features`,
      found: `${info.coords[other]} instead of ${coords[other]}`,
      next: 'run the extract or convert stage again',
    });
  }
  return { isGroup: info.isGroupFeat, area: info.relativeArea };
}

function withoutGroups(bag: HostBag): HostBag {
  const kept = [...bag.isGroup.keys()].filter((row) => bag.isGroup[row] === 0);
  if (kept.length === bag.rows) return bag;
  const features = new Float32Array(kept.length * bag.dim);
  kept.forEach((row, i) =>
    features.set(bag.features.subarray(row * bag.dim, (row + 1) * bag.dim), i * bag.dim),
  );
  return {
    features,
    rows: kept.length,
    dim: bag.dim,
    coords: Int32Array.from(kept.flatMap((row) => [bag.coords[2 * row], bag.coords[2 * row + 1]])),
    isGroup: new Uint8Array(kept.length),
    area: Float32Array.from(kept, (row) => bag.area[row]),
  };
}
