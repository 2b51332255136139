import { SamMilError } from '../../errors.js';
import { writeAtomicFile } from '../../files/atomic-file.js';
import { withFileBytes } from '../../files/file-bytes.js';
import { NumpyArray } from '../../files/pickle/pickle-globals.js';
import { unpickle } from '../../files/pickle/pickle-reader.js';
import { PickleTuple, type PickleValue } from '../../files/pickle/pickle-values.js';
import { PickleWriter } from '../../files/pickle/pickle-writer.js';
import { decodeMask, encodeMask } from '../../files/run-length.js';
import {
  checkSegments,
  infoEntries,
  parseInfo,
  type SegmentMask,
  type Segments,
  type SegmentsInfo,
} from './segments.js';

/**
 * Writes segments as the scripts of SAM-MIL do: a Python pickle of a list whose item 0 is the info dict and
 * whose other items are SAM's mask dicts, with `segmentation` as a numpy bool array. Masks are decoded and
 * written one at a time.
 * @throws SamMilError InvalidInput, DiskFull; no partial file remains
 */
export function writeSegmentsPickle(path: string, { info, masks }: Segments): void {
  checkSegments(path, { info, masks });
  writeAtomicFile(path, (file) => {
    const program = new PickleWriter(4);
    program.op('](').dict(() => {
      for (const [name, value] of infoEntries(info)) {
        program.text(name);
        // Keep integers as integers: the scripts of SAM-MIL slice arrays by patch size divided by
        // downsample_ratio.
        number(program, value);
      }
    });
    for (const mask of masks) {
      program.op('}(').text('segmentation');
      boolArray(program, decodeMask(mask.rle), mask.rle.size);
      facts(program, mask);
      file.append(program.op('u').take());
    }
    file.append(program.op('e.').take());
  });
}

/**
 * Reads such a pickle from sam-mil or SAM-MIL (protocols 0 to 5, numpy 1 and 2). It executes no content of
 * the file. Each mask is converted to run lengths when it is read, so memory holds one decoded mask at a
 * time.
 * @throws SamMilError InvalidInput naming what is missing, malformed or not permitted
 */
export function readSegmentsPickle(path: string): Segments {
  return withFileBytes(path, (file) => {
    const { value } = unpickle(file);
    try {
      const [first, ...others] = Array.isArray(value) ? value : [];
      if (!(first instanceof Map))
        throw new RangeError('is not a list that starts with a dict of facts about the image');
      const masks = others.map(toMask);
      const segments = {
        info: withImageSize(
          parseInfo((name) => first.get(name)),
          masks,
        ),
        masks,
      };
      checkSegments(path, segments);
      return segments;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new SamMilError('InvalidInput', `is not a segments pickle: it ${error.message}`, {
        file: path,
        cause: error,
      });
    }
  });
}

/**
 * The script of SAM-MIL writes the box size in level-0 pixels as `w` and `h`. The image size is therefore
 * taken from the masks.
 */
function withImageSize(info: SegmentsInfo, masks: readonly SegmentMask[]): SegmentsInfo {
  const isBox = info.w === info.stopX - info.startX && info.h === info.stopY - info.startY;
  if (!isBox || masks.length === 0) return info;
  const [h, w] = masks[0].rle.size;
  return { ...info, w, h };
}

function facts(program: PickleWriter, mask: SegmentMask): void {
  const ints = (values: readonly number[]): PickleWriter =>
    program.list(() => values.forEach((value) => program.int(value)));
  program.text('area').int(mask.area);
  program.text('bbox');
  ints(mask.bbox);
  program.text('predicted_iou').float(mask.predictedIou);
  program
    .text('point_coords')
    .list(() => mask.pointCoords.forEach(([x, y]) => program.list(() => program.float(x).float(y))));
  program.text('stability_score').float(mask.stabilityScore);
  program.text('crop_box');
  ints(mask.cropBox);
}

function number(program: PickleWriter, value: number): void {
  if (Number.isSafeInteger(value)) program.int(value);
  else program.float(value);
}

/** numpy's reduction of a bool array. numpy 1 and 2 both understand the module name `numpy.core`. */
function boolArray(program: PickleWriter, pixels: Uint8Array, [h, w]: readonly [number, number]): void {
  program.global('numpy.core.multiarray', '_reconstruct').tuple(() => {
    program.global('numpy', 'ndarray').tuple(() => program.int(0));
    program.bytesHead(1).op('b');
  });
  program.op('R').tuple(() => {
    program.int(1).tuple(() => program.int(h).int(w));
    program.global('numpy', 'dtype').tuple(() => program.text('b1').bool(false).bool(true));
    program.op('R').tuple(() => {
      program.int(3).text('|').none().none().none().int(-1).int(-1).int(0);
    });
    program.op('b').bool(false).bytesHead(pixels.length).raw(pixels);
  });
  program.op('b');
}

function toMask(value: PickleValue, index: number): SegmentMask {
  if (!(value instanceof Map)) throw new RangeError(`has an item ${index + 1} that is not a dict`);
  const array = value.get('segmentation');
  if (!(array instanceof NumpyArray) || array.shape.length !== 2) {
    throw new RangeError(`has a mask ${index} whose "segmentation" is not a two-dimensional numpy array`);
  }
  const { dtype, shape, data } = array.tensor();
  if (dtype !== 'bool' && dtype !== 'uint8')
    throw new RangeError(`has a mask ${index} of type ${dtype} instead of bool`);
  const rle = encodeMask(data as Uint8Array, shape[0], shape[1]);
  return {
    rle,
    area: numberAt(value, 'area', index),
    bbox: numbersAt(value, 'bbox', index, 4) as SegmentMask['bbox'],
    predictedIou: numberAt(value, 'predicted_iou', index),
    pointCoords: listItems(value.get('point_coords'), `"point_coords" of mask ${index}`).map(
      (point) => numberList(point, `"point_coords" of mask ${index}`, 2) as [number, number],
    ),
    stabilityScore: numberAt(value, 'stability_score', index),
    cropBox: numbersAt(value, 'crop_box', index, 4) as SegmentMask['cropBox'],
  };
}

function numberAt(dict: Map<PickleValue, PickleValue>, key: string, index: number): number {
  const value = dict.get(key);
  if (typeof value !== 'number') throw new RangeError(`has a mask ${index} without the number "${key}"`);
  return value;
}

function numbersAt(dict: Map<PickleValue, PickleValue>, key: string, index: number, count: number): number[] {
  return numberList(dict.get(key), `"${key}" of mask ${index}`, count);
}

function numberList(value: PickleValue | undefined, what: string, count: number): number[] {
  const numbers = listItems(value, what).filter((item) => typeof item === 'number');
  if (numbers.length !== count) throw new RangeError(`has ${what} that is not ${count} numbers`);
  return numbers;
}

/** Lists the items of a list, tuple or small numpy array; newer forks store boxes and points as arrays. */
function listItems(value: PickleValue | undefined, what: string): readonly PickleValue[] {
  if (value instanceof PickleTuple) return value.items;
  if (Array.isArray(value)) return value;
  if (value instanceof NumpyArray && value.shape.length <= 2) {
    const { shape, data } = value.tensor();
    const numbers = Array.from(data, Number);
    if (shape.length < 2) return numbers;
    return Array.from({ length: shape[0] }, (_, row) => numbers.slice(row * shape[1], (row + 1) * shape[1]));
  }
  throw new RangeError(`has ${what} that is not a list`);
}
