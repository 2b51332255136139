import { isAbsolute, join } from 'node:path';
import { memberLabel } from '../../activity-schema.js';
import { SamMilError } from '../../errors.js';
import { FeaturesReader, groupFlags, readSamInfoOf } from '../../pathology/layouts/bag-files.js';
import { noInstance } from '../../pathology/layouts/feature-matrix.js';
import { openFeatureRows, type FeatureRows } from '../../pathology/layouts/feature-rows.js';
import { rowsWithoutGroups } from '../../pathology/layouts/rows-without-groups.js';
import { requireContent } from '../../engine/store/damaged-output.js';
import { readItems } from '../../engine/store/items.js';
import type { InputFile, ItemRecord } from '../../job.js';
import { isFileRef } from '../../job.js';
import { firstNames } from './first-names.js';

/** The files of a bag. */
export interface BagEntry {
  /** The item's key, which labels and splits refer to. */
  key: string;
  /** Absolute path of the features file (h5 or pt). */
  features: string;
  digest: string;
  /** Absolute path of its sam_info file, if it has one. */
  samInfo?: string;
  samInfoDigest?: string;
}

/**
 * The names of the outputs of an item that make up its bag.
 * @param encoder selects one of several bags that pathology.extract made with `encoders`
 */
export function bagOutputs(encoder?: string): readonly string[] {
  if (encoder === undefined) return ['bag', 'h5', 'pt', 'sam-info'];
  const label = memberLabel(encoder);
  return [`bag-${label}`, `bag-pt-${label}`, 'sam-info'];
}

/** The bags of an item that were made with `encoders`, by the name of the encoder. */
const LABELED = /^bag-(?!pt(?:-|$))(.+)$/;

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
  /**
   * `relative_area`: 0 for group rows, 1 for a patch outside all masks, else the area of its smallest mask in
   * pixels of the SAM image.
   */
  area: Float32Array;
}

/**
 * Lists the bags of an items file: its finished items, each with an output `bag`, `h5` or `pt` and optionally
 * `sam-info`.
 *
 * @param encoder see {@link bagOutputs}
 * @param work absolute path of the work folder, to which the outputs' paths are relative
 * @throws SamMilError InvalidInput naming an item without features
 */
export function listBags(itemsPath: string, work: string, encoder?: string): BagEntry[] {
  return readItems(itemsPath)
    .filter(({ status }) => status === 'done')
    .map((item) => bagOf(item, work, encoder) ?? refuseWithoutFeatures(item, itemsPath, encoder));
}

/** As {@link listBags} with the first of several bags, but leaves out items without features. */
export function findBags(items: readonly ItemRecord[], work: string): BagEntry[] {
  return items
    .filter(({ status }) => status === 'done')
    .flatMap((item) => bagOf(item, work) ?? bagOf(item, work, encodersOf(item)[0]) ?? []);
}

/**
 * Selects the bags of some slides, each once, in the order of the keys.
 *
 * @throws SamMilError InvalidInput naming the slides of the splits without a bag
 */
export function selectBags(
  keys: readonly string[],
  entries: readonly BagEntry[],
  files: Readonly<Record<'splits' | 'bags', InputFile>>,
): Map<string, BagEntry> {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  refuseMissing(keys, byKey, files);
  return new Map(keys.map((key) => [key, byKey.get(key) as BagEntry]));
}

/**
 * Checks that every slide has a finished item.
 *
 * @throws SamMilError InvalidInput naming the slides of the splits without a bag
 */
export function requireBags(
  keys: readonly string[],
  records: readonly ItemRecord[],
  { splits, bags }: Readonly<Record<string, InputFile>>,
): void {
  const done = records.filter(({ status }) => status === 'done');
  refuseMissing(keys, new Map(done.map((record) => [record.key, record])), { splits, bags });
}

function refuseMissing(
  keys: readonly string[],
  known: ReadonlyMap<string, unknown>,
  { splits, bags }: Readonly<Record<'splits' | 'bags', InputFile>>,
): void {
  const missing = keys.filter((key) => !known.has(key));
  if (missing.length === 0) return;
  throw new SamMilError('InvalidInput', 'the splits name slides without a bag', {
    file: splits.path,
    expected: `slides among the ${known.size} of \`${bags.name}\``,
    found: `${missing.length}: ${firstNames(missing)}`,
    next: 'run mil.split again with the same `bags`',
  });
}

function bagOf(item: ItemRecord, work: string, encoder?: string): BagEntry | undefined {
  const samInfo = item.outputs['sam-info'];
  const features = bagOutputs(encoder)
    .filter((name) => name !== 'sam-info')
    .map((name) => item.outputs[name])
    .find(isFileRef);
  return (
    features && {
      key: item.key,
      features: inWork(features.path, work),
      digest: features.digest,
      ...(isFileRef(samInfo) ? { samInfo: inWork(samInfo.path, work), samInfoDigest: samInfo.digest } : {}),
    }
  );
}

function encodersOf(item: ItemRecord): string[] {
  return Object.keys(item.outputs).flatMap((name) => LABELED.exec(name)?.[1] ?? []);
}

function refuseWithoutFeatures(item: ItemRecord, file: string, encoder: string | undefined): never {
  const encoders = encodersOf(item);
  if (encoders.length > 0) {
    const which = encoder === undefined ? 'bags of several encoders' : `no bag of ${encoder}`;
    throw new SamMilError('InvalidInput', `item "${item.key}" has ${which}`, {
      file,
      expected: `\`encoder\`: ${encoders.join(' or ')}`,
      found: encoder ?? 'no `encoder`',
      next: 'set `encoder`, such as `${{ matrix.encoder }}`',
    });
  }
  throw new SamMilError('InvalidInput', `item "${item.key}" has no features`, {
    file,
    expected: 'a file output named bag, h5 or pt',
    found: Object.keys(item.outputs).join(', ') || 'no outputs',
    next: 'take `bags` from a stage whose last step is pathology.extract',
  });
}

function inWork(path: string, work: string): string {
  return isAbsolute(path) ? path : join(work, path);
}

/**
 * Reads and checks a bag. The files must have the digests in the entry, if it states any: cache keys of
 * trained models contain these digests, so training on an edited file would give an untraceable model.
 *
 * @param options.groupFeatures false omits the group rows
 * @throws SamMilError CountMismatch where features and sam_info differ in rows; InvalidInput on NaN, an empty
 *   bag or a sam_info of a different slide; OutputDamaged for a file that was changed or deleted
 */
export function loadBag(
  entry: Pick<BagEntry, 'features' | 'samInfo'> & Partial<BagEntry>,
  options: { groupFeatures: boolean },
): HostBag {
  const { features, digest, samInfo, samInfoDigest } = entry;
  if (digest !== undefined) requireContent(features, digest);
  if (samInfo !== undefined && samInfoDigest !== undefined) requireContent(samInfo, samInfoDigest);
  const file = openFeatureRows(entry.features);
  try {
    return readBag(file, entry, options.groupFeatures);
  } finally {
    file.close();
  }
}

/** A .pt file is a bare tensor. Its coords come from its sam_info, else they are all 0. */
function readBag(
  file: FeatureRows,
  { features: path, samInfo }: Pick<BagEntry, 'features' | 'samInfo'>,
  groupFeatures: boolean,
): HostBag {
  const own = file instanceof FeaturesReader ? file.coords() : undefined;
  const info = samInfo === undefined ? undefined : readSamInfoOf(samInfo, file.rows, own);
  const coords = own ?? info?.coords ?? new Int32Array(file.rows * 2);
  const isGroup = info?.isGroupFeat ?? groupFlags(coords);
  // Without a sam_info, no patch is known to be in a mask.
  const area = info?.relativeArea ?? Float32Array.from(isGroup, (group) => 1 - group);
  const kept = groupFeatures ? { features: file, coords } : rowsWithoutGroups(file, coords, isGroup);
  const { rows, dim } = kept.features;
  if (rows === 0) throw noInstance(path, file.rows);
  const features = kept.features.readRows(0, rows);
  const places = { features, rows, dim, coords: kept.coords };
  if (rows === file.rows) return { ...places, isGroup, area };
  return { ...places, isGroup: new Uint8Array(rows), area: area.filter((_, row) => isGroup[row] === 0) };
}
