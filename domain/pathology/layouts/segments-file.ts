import { SamMilError } from '../../errors.js';
import { type H5Reader, withH5, writeH5 } from '../../files/hdf5/h5.js';
import type { Bbox } from '../../files/run-length.js';
import {
  checkSegments,
  infoEntries,
  parseInfo,
  refused,
  type SegmentMask,
  type Segments,
} from './segments.js';

export type { SegmentMask, Segments, SegmentsInfo } from './segments.js';
export { readSegmentsPickle, writeSegmentsPickle } from './segments-pickle.js';

/**
 * Writes segments as HDF5: the info as file attributes; `size` (int32: h, w), all run lengths in one `counts`
 * (uint32) with `offsets` (int64, M + 1), `area` (int64), `bbox` and `crop_box` (int32 M x 4),
 * `predicted_iou` and `stability_score` (float64), `point_coords` (float64 P x 2) with `point_offsets`
 * (int64).
 * @throws SamMilError InvalidInput if a mask does not have the size of the image; no file is then written
 */
export function writeSegments(path: string, { info, masks }: Segments): void {
  checkSegments(path, { info, masks });
  const count = masks.length;
  const column = (value: (mask: SegmentMask) => number): Float64Array => Float64Array.from(masks, value);
  writeH5(path, (file) => {
    for (const [name, value] of infoEntries(info)) {
      file.attribute('/', name, name === 'downsample_ratio' ? { dtype: 'float64', value } : value);
    }
    file.write('size', Int32Array.of(info.h, info.w), [2]);
    file.write('counts', joined(masks.map((mask) => mask.rle.counts)), [
      total(masks.map((m) => m.rle.counts.length)),
    ]);
    file.write('offsets', cumulativeOffsets(masks.map((mask) => mask.rle.counts.length)), [count + 1]);
    file.write(
      'area',
      BigInt64Array.from(masks, (mask) => BigInt(mask.area)),
      [count],
    );
    file.write('bbox', Int32Array.from(masks.flatMap((mask) => mask.bbox)), [count, 4]);
    file.write('crop_box', Int32Array.from(masks.flatMap((mask) => mask.cropBox)), [count, 4]);
    file.write(
      'predicted_iou',
      column((mask) => mask.predictedIou),
      [count],
    );
    file.write(
      'stability_score',
      column((mask) => mask.stabilityScore),
      [count],
    );
    const points = masks.flatMap((mask) => mask.pointCoords);
    file.write('point_coords', Float64Array.from(points.flat()), [points.length, 2]);
    file.write('point_offsets', cumulativeOffsets(masks.map((mask) => mask.pointCoords.length)), [count + 1]);
  });
}

/**
 * @throws SamMilError InvalidInput on missing datasets, impossible facts, run lengths that do not fill the
 * image, areas that differ from them, or boxes outside it; CountMismatch if datasets differ in length
 */
export function readSegments(path: string): Segments {
  return withH5(path, (file) => {
    const info = refused(path, () => {
      const attributes = file.attributes('/');
      return parseInfo((name) => attributes[name]);
    });
    requireSize(file, info);
    const offsets = offsetsIn(file, 'offsets', 'counts');
    const pointOffsets = offsetsIn(file, 'point_offsets', 'point_coords');
    const count = offsets.length - 1;
    const table = (name: string, width: number): Float64Array => numbers(file, name, count, width);
    const columns = {
      counts: runLengths(file),
      points: Float64Array.from(file.read('point_coords'), Number),
      area: table('area', 1),
      bbox: table('bbox', 4),
      cropBox: table('crop_box', 4),
      predictedIou: table('predicted_iou', 1),
      stabilityScore: table('stability_score', 1),
    };
    if (pointOffsets.length !== count + 1) {
      throw new SamMilError('CountMismatch', 'the masks and their prompt points do not match', {
        file: path,
        expected: `${count} masks`,
        found: `points for ${pointOffsets.length - 1} masks`,
      });
    }
    const quad = (values: Float64Array, index: number): Bbox =>
      Array.from(values.subarray(index * 4, index * 4 + 4)) as Bbox;
    const masks = Array.from({ length: count }, (_, index): SegmentMask => ({
      rle: { size: [info.h, info.w], counts: columns.counts.slice(offsets[index], offsets[index + 1]) },
      area: columns.area[index],
      bbox: quad(columns.bbox, index),
      predictedIou: columns.predictedIou[index],
      pointCoords: Array.from({ length: pointOffsets[index + 1] - pointOffsets[index] }, (__, point) => {
        const at = (pointOffsets[index] + point) * 2;
        return [columns.points[at], columns.points[at + 1]];
      }),
      stabilityScore: columns.stabilityScore[index],
      cropBox: quad(columns.cropBox, index),
    }));
    checkSegments(path, { info, masks });
    return { info, masks };
  });
}

/** The size is stored twice, as in the run lengths of COCO. */
function requireSize(file: H5Reader, { h, w }: Segments['info']): void {
  if (!file.has('size')) return;
  const size = Array.from(file.read('size'), Number);
  if (size[0] === h && size[1] === w) return;
  throw file.refusal('"size" and the facts about the image do not match', `${h}, ${w}`, size.join(', '));
}

function runLengths(file: H5Reader): Uint32Array {
  const { dtype } = file.info('counts');
  if (!/^u?int/.test(dtype)) throw file.refusal('"counts" has the wrong element type', 'integers', dtype);
  return Uint32Array.from(file.read('counts'), Number);
}

function offsetsIn(file: H5Reader, name: string, values: string): Int32Array {
  const offsets = file.readInt32(name);
  const rows = file.info(values).shape[0] ?? 0;
  const rising = offsets.every((offset, index) => index === 0 || offset >= offsets[index - 1]);
  if (rising && offsets[0] === 0 && offsets.at(-1) === rows) return offsets;
  throw new SamMilError('CountMismatch', `"${name}" and "${values}" do not match`, {
    file: file.path,
    expected: `offsets ascending from 0 to ${rows}`,
    found: `${offsets[0] ?? 'none'} to ${offsets.at(-1) ?? 'none'}`,
  });
}

function numbers(file: H5Reader, name: string, rows: number, width: number): Float64Array {
  const { shape } = file.info(name);
  if (shape[0] !== rows || (shape[1] ?? 1) !== width) {
    throw new SamMilError('CountMismatch', `"${name}" does not match the masks`, {
      file: file.path,
      expected: `${rows} x ${width}`,
      found: shape.join(' x '),
    });
  }
  return Float64Array.from(file.read(name), Number);
}

function cumulativeOffsets(lengths: readonly number[]): BigInt64Array {
  const offsets = new BigInt64Array(lengths.length + 1);
  lengths.forEach((length, index) => (offsets[index + 1] = offsets[index] + BigInt(length)));
  return offsets;
}

function total(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const result = new Uint32Array(total(parts.map((part) => part.length)));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
