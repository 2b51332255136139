import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFeatures, type PatchCoords, writeSamInfo, writeSegFile } from '../formats/bag-files.js';
import { writePt } from '../formats/torch-pt.js';
import type { JobResult, OutputFile } from '../job.js';
import type { Groups } from '../sam/groups.js';
import type { BatchStore } from './batch-store.js';
import type { OpenEncoder } from './encoder.js';
import { GroupMeans, type GroupRows } from './group-features.js';

export interface BagToWrite {
  /** Name of the slide: of each file, without extension. */
  name: string;
  /** Folder that the files are written into, in SAM-MIL's subfolders. */
  folder: string;
  patches: PatchCoords;
  encoder: OpenEncoder;
  /** Holds every batch. */
  store: BatchStore;
  groups?: Groups;
  /** Whether the bag gets a row for each group. */
  withGroups: boolean;
}

/**
 * Writes a bag in SAM-MIL's four files: `h5_files` (features and coords), `pt_files` (the same features), `seg_files` (members of each mask, where there
 * are segments), `sam_info`. Features pass through in blocks, so memory does not grow with the bag. Equal bags give equal bytes.
 */
export function writeBag(bag: BagToWrite): JobResult {
  const { encoder, groups } = bag;
  const rows = bag.patches.coords.length / 2;
  const files: Record<string, OutputFile> = {
    h5: output(bag, 'h5_files', 'h5'),
    pt: output(bag, 'pt_files', 'pt'),
    'sam-info': output(bag, 'sam_info', 'h5'),
  };
  const groupRows = writeH5(bag, files.h5.from);
  writeTorch(bag, groupRows, files.pt.from);
  writeInfo(bag, groupRows, files['sam-info'].from);
  if (groups) {
    files.seg = output(bag, 'seg_files', 'h5');
    writeSegFile(files.seg.from, membersOf(bag.patches.coords, groups));
  }
  return {
    files,
    values: {
      'patches-count': rows,
      'groups-count': groupRows.masks.length,
      dim: encoder.info.dim,
      encoder: encoder.info.name,
      provider: encoder.provider.name,
      'provider-reason': encoder.provider.why,
    },
  };
}

function output({ folder, name }: BagToWrite, subfolder: string, extension: string): OutputFile {
  mkdirSync(join(folder, subfolder), { recursive: true });
  const file = `${subfolder}/${name}.${extension}`;
  return { from: join(folder, file), to: file };
}

/** Writes h5_files and gathers the group rows on the way. */
function writeH5({ patches, encoder, store, groups, withGroups }: BagToWrite, path: string): GroupRows {
  const { info } = encoder;
  const rows = patches.coords.length / 2;
  const means = new GroupMeans(withGroups && groups ? groups.members : [], rows, info.dim);
  const attributes = {
    patch_size: patches.patchSize,
    patch_level: patches.patchLevel,
    downsample: { dtype: 'float64' as const, value: patches.downsample },
    level_dim: patches.levelDim,
    name: patches.name,
    encoder: info.name,
    encoder_version: info.version,
    encoder_weights: info.weightsDigest ?? 'none',
    encoder_input_size: encoder.size,
  };
  const writer = createFeatures(path, info.dim, { rows: rows + means.count, attributes });
  try {
    for (let batch = 0; batch < store.count; batch++) {
      const { start, count } = store.range(batch);
      const features = store.read(batch);
      means.add(start, features);
      writer.append(features, patches.coords.subarray(2 * start, 2 * (start + count)));
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

function writeTorch({ patches, encoder, store }: BagToWrite, groupRows: GroupRows, path: string): void {
  const shape = [patches.coords.length / 2 + groupRows.masks.length, encoder.info.dim];
  writePt(path, { tensor: { dtype: 'float32', shape, data: blocks() } });

  function* blocks(): Generator<Float32Array> {
    for (let batch = 0; batch < store.count; batch++) yield store.read(batch);
    yield groupRows.features;
  }
}

function writeInfo({ patches, groups }: BagToWrite, groupRows: GroupRows, path: string): void {
  const patchRows = patches.coords.length / 2;
  const rows = patchRows + groupRows.masks.length;
  const coords = new Int32Array(rows * 2).fill(-1);
  coords.set(patches.coords);
  const relativeArea = new Float32Array(rows);
  relativeArea.set(groups ? groups.relativeArea : new Float32Array(patchRows).fill(1));
  writeSamInfo(path, { coords, isGroupFeat: new Uint8Array(rows).fill(1, patchRows), relativeArea });
}

function groupCoords({ masks }: GroupRows): Int32Array {
  return new Int32Array(masks.length * 2).fill(-1);
}

function membersOf(coords: Int32Array, { members }: Groups): { index: number; coords: Int32Array }[] {
  return members.flatMap((rows, index) => {
    if (rows.length === 0) return [];
    const own = new Int32Array(rows.length * 2);
    rows.forEach((row, i) => own.set(coords.subarray(2 * row, 2 * row + 2), 2 * i));
    return [{ index, coords: own }];
  });
}
