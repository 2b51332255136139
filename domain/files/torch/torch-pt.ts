import { SamMilError } from '../../errors.js';
import { type FileBytes, withFileBytes } from '../file-bytes.js';
import { NumpyArray } from '../pickle/pickle-globals.js';
import { unpickle } from '../pickle/pickle-reader.js';
import {
  PickleBytes,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from '../pickle/pickle-values.js';
import { isZip } from '../stored-zip.js';
import type { Tensor } from '../tensor.js';
import { TorchStorage, TorchTensor } from './torch-globals.js';
import { readLegacyPt } from './torch-legacy.js';
import { readZipPt } from './torch-zip.js';

export { type PtContent, writePt } from './torch-zip.js';

/**
 * A value of a .pt file in plain JavaScript. Dicts become objects with text keys, lists and tuples become
 * arrays, and torch tensors and numpy arrays become tensors.
 */
export type PtValue =
  null | boolean | number | bigint | string | Uint8Array | Tensor | PtValue[] | { [key: string]: PtValue };

export interface PtFile {
  value: PtValue;
  /**
   * Every tensor by its dotted path (`state_dict.conv1.weight`, `0` for the first item of a list). If the
   * file is a single tensor, its path is empty.
   */
  tensors: Record<string, Tensor>;
}

/** Maximum nesting depth of a checkpoint. */
const MAX_NESTING = 64;
/**
 * Maximum number of values after all references are expanded. A few references to each other could expand
 * endlessly.
 */
const MAX_VALUES = 5_000_000;

/**
 * Reads a file written by torch.save, in the zip format (since 1.6) or the older plain format. No code from
 * the file is executed, and every shape, stride and offset is checked against the size of the file. Tensors
 * that share a storage share their memory, so do not modify them.
 * @throws SamMilError InvalidInput (damaged, inconsistent, names a class outside the allow-list),
 *   UnsupportedFormat (compressed, TorchScript, the tar format before 0.4)
 */
export function readPt(path: string): PtFile {
  return withFileBytes(path, (file) => {
    const value = readPtProgram(file);
    try {
      return new Unfolding(file.size).file(value);
    } catch (error) {
      if (error instanceof RangeError) throw file.refusal(`is not a valid checkpoint: it ${error.message}`);
      throw error;
    }
  });
}

/**
 * Reads a file that contains a single tensor, such as a feature file.
 * @throws SamMilError as {@link readPt}, and InvalidInput if the file contains anything else
 */
export function readPtTensor(path: string): Tensor {
  const { tensors } = readPt(path);
  const tensor = tensors[''];
  if (tensor !== undefined) return tensor;
  const names = Object.keys(tensors);
  throw new SamMilError('InvalidInput', 'does not contain a single tensor', {
    file: path,
    expected: 'a bare torch tensor',
    found:
      names.length === 0
        ? 'no tensor'
        : `${names.length} named tensors (${names.slice(0, 3).join(', ')}, ...)`,
  });
}

/**
 * Returns the result of the file's pickle without reading the tensors.
 * @throws SamMilError as {@link readPt}
 */
export function readPtProgram(file: FileBytes): PickleValue {
  return isZip(file) ? readZipPt(file) : readPlainPt(file);
}

function readPlainPt(file: FileBytes): PickleValue {
  const head = file.read(0, Math.min(file.size, 512));
  if (file.size === 0) throw file.refusal('is empty (0 bytes)', 'a file written by torch.save');
  if (head[0] !== 0x80) {
    const tar = head.length > 262 && Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar';
    if (!tar) throw file.refusal('is not a file written by torch.save', 'a zip archive or a pickle');
    throw new SamMilError('UnsupportedFormat', 'uses the tar format of torch before 0.4', {
      file: file.path,
      next: 'load it with torch and save it again',
    });
  }
  return readLegacyPt(file, (start, options) => unpickle(file, { start, ...options }));
}

class Unfolding {
  private readonly tensors: Record<string, Tensor> = Object.create(null) as Record<string, Tensor>;
  private readonly seen = new Map<PickleObject, Tensor>();
  private readonly buffers = new Set<ArrayBufferLike>();
  private values = 0;
  private copied = 0;
  private readonly maxCopied: number;

  constructor(fileSize: number) {
    this.maxCopied = 4 * fileSize + (64 << 20);
  }

  file(value: PickleValue): PtFile {
    return { value: this.unfold(value, []), tensors: { ...this.tensors } };
  }

  private unfold(value: PickleValue, path: readonly string[]): PtValue {
    if (path.length > MAX_NESTING) throw new RangeError(`is nested deeper than ${MAX_NESTING} levels`);
    if (++this.values > MAX_VALUES) throw new RangeError(`expands to more than ${MAX_VALUES} values`);
    if (value instanceof TorchTensor || value instanceof NumpyArray) return this.tensor(value, path);
    if (value instanceof Map) return this.members(value, path);
    if (value instanceof Set) return this.items([...value], path);
    if (value instanceof PickleTuple) return this.items(value.items, path);
    if (Array.isArray(value)) return this.items(value, path);
    if (value instanceof PickleBytes) return value.read();
    if (value instanceof PickleGlobal) return value.name;
    if (value instanceof TorchStorage) throw new RangeError('contains a bare storage instead of a tensor');
    if (value instanceof PickleObject) return null;
    return value;
  }

  private tensor(object: TorchTensor | NumpyArray, path: readonly string[]): Tensor {
    let tensor = this.seen.get(object);
    if (tensor === undefined) {
      tensor = object.tensor();
      this.account(tensor.data.buffer);
      this.seen.set(object, tensor);
    }
    this.tensors[path.join('.')] = tensor;
    return tensor;
  }

  /**
   * Limits the memory of copies. Views of a storage need none, but strided tensors are copied, and a small
   * file can contain many of them.
   */
  private account(buffer: ArrayBufferLike): void {
    if (this.buffers.has(buffer)) return;
    this.buffers.add(buffer);
    this.copied += buffer.byteLength;
    if (this.copied > this.maxCopied) throw new RangeError('expands to far more bytes than the file has');
  }

  private members(dict: Map<PickleValue, PickleValue>, path: readonly string[]): PtValue {
    const result: Record<string, PtValue> = {};
    for (const [key, value] of dict) {
      const name = keyName(key);
      Object.defineProperty(result, name, {
        value: this.unfold(value, [...path, name]),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return result;
  }

  private items(items: readonly PickleValue[], path: readonly string[]): PtValue[] {
    return items.map((item, index) => this.unfold(item, [...path, String(index)]));
  }
}

/** Converts a dict key to text. Keys other than text are written as in Python. */
function keyName(key: PickleValue): string {
  if (key instanceof PickleTuple) return `(${key.items.map(keyName).join(', ')})`;
  if (key === null) return 'None';
  if (typeof key === 'boolean') return key ? 'True' : 'False';
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return String(key);
  if (key instanceof PickleGlobal) return key.name;
  throw new RangeError('has a dict whose keys are not text, numbers or tuples of them');
}
