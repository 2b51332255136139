import { toInt64 } from '../../files/tensor.js';
import { SamMilError } from '../../errors.js';
import { type H5Reader, withH5, writeH5 } from '../../files/hdf5/h5.js';
import { readCoords } from './patches-file.js';

/** Facts about each row of a bag that training requires, as in SAM-MIL's `sam_info/<slide>.h5`. */
export interface SamInfo {
  /** rows x 2 in level-0 pixels; group rows are -1, -1. */
  coords: Int32Array;
  /** 1 for group rows, else 0. */
  isGroupFeat: Uint8Array;
  /**
   * 0 for group rows, 1 for patches outside all masks, else the area in SAM image pixels of the smallest mask
   * that contains the patch.
   */
  relativeArea: Float32Array;
}

/** Member coords of one mask: a dataset `seg_<index>` of `seg_files/<slide>.h5`. */
export interface SegMembers {
  /** Index of the mask among the segments of the slide, from 0. */
  index: number;
  /** M x 2 in level-0 pixels. */
  coords: Int32Array;
}

/**
 * Writes `coords` (int64), `is_group_feat` (uint8), `relative_area` (float32).
 * @throws SamMilError CountMismatch; no file is then written
 */
export function writeSamInfo(path: string, info: SamInfo): void {
  checkCounts(path, info);
  const rows = info.isGroupFeat.length;
  writeH5(path, (file) => {
    file.write('coords', toInt64(info.coords), [rows, 2]);
    file.write('is_group_feat', info.isGroupFeat, [rows]);
    file.write('relative_area', info.relativeArea, [rows]);
  });
}

/**
 * Reads a sam_info file of sam-mil or SAM-MIL.
 * @throws SamMilError InvalidInput on a missing dataset, wrong shapes, flags other than 0 and 1, areas that
 * are negative or not finite; CountMismatch if the three datasets differ in length
 */
export function readSamInfo(path: string): SamInfo {
  return withH5(path, (file) => {
    const flags = column(file, 'is_group_feat');
    const badFlag = flags.findIndex((value) => value !== 0 && value !== 1);
    if (badFlag >= 0) {
      throw file.refusal(
        'dataset "is_group_feat" is malformed',
        '0 or 1',
        `${flags[badFlag]} in row ${badFlag}`,
      );
    }
    const relativeArea = column(file, 'relative_area');
    const badArea = relativeArea.findIndex((value) => !(value >= 0 && Number.isFinite(value)));
    if (badArea >= 0) {
      throw file.refusal(
        'dataset "relative_area" is malformed',
        'finite areas of at least 0',
        `${relativeArea[badArea]} in row ${badArea}`,
      );
    }
    const info = { coords: readCoords(file), isGroupFeat: Uint8Array.from(flags), relativeArea };
    checkCounts(path, info);
    return info;
  });
}

/**
 * Reads the sam_info file of a features file.
 * @param rows number of feature rows
 * @param coords of the features; absent if their file has none
 * @throws SamMilError as {@link readSamInfo}; CountMismatch if the number of rows differs; InvalidInput if
 * the coords differ
 */
export function readSamInfoOf(path: string, rows: number, coords?: Int32Array): SamInfo {
  const info = readSamInfo(path);
  if (info.isGroupFeat.length !== rows) {
    throw new SamMilError('CountMismatch', 'sam_info and features do not match', {
      file: path,
      expected: `${rows} rows, as in the features file`,
      found: `${info.isGroupFeat.length} rows`,
    });
  }
  const other = coords?.findIndex((value, i) => info.coords[i] !== value) ?? -1;
  if (coords === undefined || other < 0) return info;
  const row = other >> 1;
  const place = (of: Int32Array) => `${of[2 * row]}, ${of[2 * row + 1]}`;
  throw new SamMilError('InvalidInput', 'the sam_info file belongs to another features file', {
    file: path,
    expected: `${place(coords)} in row ${row}, as in the features file`,
    found: place(info.coords),
    next: 'pass the sam_info file that was written with these features',
  });
}

/** Flags group rows by their coords: 1 for rows at -1, -1, else 0. */
export function groupFlags(coords: Int32Array): Uint8Array {
  return Uint8Array.from({ length: coords.length / 2 }, (_, row) =>
    coords[2 * row] === -1 && coords[2 * row + 1] === -1 ? 1 : 0,
  );
}

/** Writes one dataset `seg_<index>` (int64, M x 2) per mask, with the attribute `seg_index`. */
export function writeSegFile(path: string, members: readonly SegMembers[]): void {
  writeH5(path, (file) => {
    for (const { index, coords } of members) {
      file.write(`seg_${index}`, toInt64(coords), [coords.length / 2, 2], {
        attributes: { seg_index: index },
      });
    }
  });
}

/** Reads a seg file in the order of the masks. @throws SamMilError InvalidInput */
export function readSegFile(path: string): SegMembers[] {
  return withH5(path, (file) =>
    file
      .names()
      .filter((name) => /^seg_\d+$/.test(name))
      .map((name) => ({ index: Number(name.slice('seg_'.length)), coords: readCoords(file, name) }))
      .sort((a, b) => a.index - b.index),
  );
}

function column(file: H5Reader, name: string): Float32Array {
  const { shape } = file.info(name);
  const flat = shape.filter((size, axis) => axis === 0 || size !== 1);
  if (flat.length !== 1) throw file.refusal(`dataset "${name}" has the wrong shape`, 'N', shape.join(' x '));
  return file.readFloat32(name);
}

function checkCounts(path: string, { coords, isGroupFeat, relativeArea }: SamInfo): void {
  if (coords.length === isGroupFeat.length * 2 && relativeArea.length === isGroupFeat.length) return;
  throw new SamMilError('CountMismatch', 'coords, is_group_feat and relative_area do not match', {
    file: path,
    found: `${coords.length / 2}, ${isGroupFeat.length} and ${relativeArea.length} rows`,
  });
}
