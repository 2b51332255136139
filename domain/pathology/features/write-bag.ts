import { join } from 'node:path';
import { createFeatures, writeSamInfo, writeSegFile } from '../layouts/bag-files.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import { writePt } from '../../files/torch/torch-pt.js';
import { type StoredFloat, storedFloats } from '../../files/half-float.js';
import type { TypedArray } from '../../files/tensor.js';
import type { JobResult, OutputFile } from '../../job.js';
import type { Groups } from './groups.js';
import { type BagFacts, bagAttributes, type BagLayout, h5Folder } from './bag-layout.js';
import { GroupMeans, type GroupRows } from './group-features.js';

/** Feature vectors that can be streamed in blocks repeatedly. */
export interface FeatureBlocks {
  rows: number;
  dim: number;
  /** All rows in order; `features` is n x dim. */
  blocks(): Iterable<{ start: number; features: Float32Array }>;
}

export interface BagToWrite {
  /** Slide name, which is the name of each file without extension. */
  name: string;
  /** Folder for the files, which are in the subfolders of SAM-MIL. */
  folder: string;
  layout: BagLayout;
  /** rows x 2 in level-0 pixels: one pair per row of `features`. */
  coords: Int32Array;
  features: FeatureBlocks;
  facts: BagFacts;
  groups?: Groups;
  /** Whether the bag gets one row per group. */
  withGroups: boolean;
  /** Element type of the features in the files. Default: float32. */
  store?: StoredFloat;
  /** Name of the encoder in a set of bags of the same patches, which share `seg_files` and `sam_info`. */
  label?: string;
  /** Existing group flags and areas of the rows, to be kept. */
  known?: { isGroupFeat: Uint8Array; relativeArea: Float32Array };
}

/**
 * Writes a bag in the four files of SAM-MIL: `h5_files` (features and coords), `pt_files` (the same
 * features), `seg_files` (members of each mask, if there are segments), and `sam_info`. Features stream
 * through in blocks, so memory does not grow with the bag. Equal bags give equal bytes.
 */
export function writeBag(bag: BagToWrite): JobResult {
  const { groups, label } = bag;
  const named = (name: string): string => (label === undefined ? name : `${name}-${label}`);
  const files: Record<string, OutputFile> = {
    [named('bag')]: output(bag, bagFolder(bag), 'h5'),
    [named('bag-pt')]: output(bag, ofEncoder(bag, 'pt_files'), 'pt'),
    'sam-info': output(bag, 'sam_info', 'h5'),
  };
  const groupRows = writeH5(bag, files[named('bag')].from);
  writeTorch(bag, groupRows, files[named('bag-pt')].from);
  writeInfo(bag, groupRows, files['sam-info'].from);
  if (groups) {
    files.seg = output(bag, 'seg_files', 'h5');
    writeSegFile(files.seg.from, listMembers(bag.coords, groups));
  }
  const kept = bag.known?.isGroupFeat.reduce((sum, flag) => sum + flag, 0) ?? 0;
  return {
    files,
    values: {
      'patches-count': bag.features.rows - kept,
      'groups-count': groupRows.masks.length + kept,
      [named('dim')]: bag.features.dim,
    },
  };
}

function output({ folder, name }: BagToWrite, subfolder: string, extension: string): OutputFile {
  makeScratchFolder(folder, subfolder);
  const file = `${subfolder}/${name}.${extension}`;
  return { from: join(folder, file), to: file };
}

/** TRIDENT's folders are named after encoders already. */
function bagFolder(bag: BagToWrite): string {
  const folder = h5Folder(bag.layout, bag.facts);
  return bag.layout === 'trident' ? folder : ofEncoder(bag, folder);
}

function ofEncoder({ label }: BagToWrite, folder: string): string {
  return label === undefined ? folder : `${label}/${folder}`;
}

/** Writes h5_files and computes the group rows in the same pass. */
function writeH5(bag: BagToWrite, path: string): GroupRows {
  const { coords, features, groups, withGroups } = bag;
  const means = new GroupMeans(withGroups && groups ? groups.members : [], features.rows, features.dim);
  const attributes = bagAttributes(bag.layout, bag.facts, {
    name: bag.name,
    folder: h5Folder(bag.layout, bag.facts),
  });
  const writer = createFeatures(path, features.dim, {
    rows: features.rows + means.count,
    attributes: attributes.coords,
    featuresAttributes: attributes.features,
    store: bag.store,
  });
  try {
    for (const { start, features: block } of features.blocks()) {
      means.add(start, block);
      writer.append(block, coords.subarray(2 * start, 2 * (start + block.length / features.dim)));
    }
    const groupRows = means.finish();
    writer.append(groupRows.features, groupCoords(groupRows));
    writer.close();
    return groupRows;
  } catch (error) {
    writer.abort();
    throw error;
  }
}

function writeTorch({ features, store = 'float32' }: BagToWrite, groupRows: GroupRows, path: string): void {
  const shape = [features.rows + groupRows.masks.length, features.dim];
  writePt(path, { tensor: { dtype: store, shape, data: blocks() } });

  function* blocks(): Generator<TypedArray> {
    for (const block of features.blocks()) yield storedFloats(block.features, store);
    yield storedFloats(groupRows.features, store);
  }
}

function writeInfo({ coords: own, groups, known }: BagToWrite, groupRows: GroupRows, path: string): void {
  const ownRows = own.length / 2;
  const rows = ownRows + groupRows.masks.length;
  const coords = new Int32Array(rows * 2).fill(-1);
  coords.set(own);
  const isGroupFeat = new Uint8Array(rows).fill(1, ownRows);
  if (known) isGroupFeat.set(known.isGroupFeat);
  const relativeArea = new Float32Array(rows);
  relativeArea.set(known?.relativeArea ?? groups?.relativeArea ?? new Float32Array(ownRows).fill(1));
  writeSamInfo(path, { coords, isGroupFeat, relativeArea });
}

function groupCoords({ masks }: GroupRows): Int32Array {
  return new Int32Array(masks.length * 2).fill(-1);
}

function listMembers(coords: Int32Array, { members }: Groups): { index: number; coords: Int32Array }[] {
  return members.flatMap((rows, index) => {
    if (rows.length === 0) return [];
    const own = new Int32Array(rows.length * 2);
    rows.forEach((row, i) => own.set(coords.subarray(2 * row, 2 * row + 2), 2 * i));
    return [{ index, coords: own }];
  });
}
