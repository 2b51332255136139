import type { FileBytes } from '../file-bytes.js';
import type { UnpickleOptions } from '../pickle/pickle-reader.js';
import { PickleGlobal, PickleTuple, type PickleValue } from '../pickle/pickle-values.js';
import { arrayFromBytes, bytesPerElement, type Dtype, type TypedArray } from '../tensor.js';
import { storageDtype, torchGlobals, TorchStorage } from './torch-globals.js';

/** torch.serialization.MAGIC_NUMBER */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

type Unpickle = (start: number, options?: UnpickleOptions) => { value: PickleValue; end: number };

interface Part {
  dtype: Dtype;
  length: number;
  /** File offset of the elements. Known after the whole program has run. */
  offset?: number;
  /** Read only once, so that the tensors of a storage share its memory. */
  elements?: TypedArray;
}

/**
 * Reads the format of torch.save before 1.6: pickles of a magic number, a version, information about the
 * machine, the value, and the storage keys; then the length (int64) and the elements of each storage.
 */
export function readLegacyPt(file: FileBytes, unpickle: Unpickle): PickleValue {
  const magic = unpickle(0);
  if (magic.value !== MAGIC) throw file.refusal('is a plain pickle, not a file written by torch.save');
  const version = unpickle(magic.end);
  if (version.value !== PROTOCOL)
    throw file.refusal('has an unknown torch file version', `${PROTOCOL}`, describe(version.value));
  const machine = unpickle(version.end);
  if (machine.value instanceof Map && machine.value.get('little_endian') === false) {
    throw file.refusal('was written on a big-endian machine', 'little-endian values');
  }
  const parts = new Map<string, Part>();
  const content = unpickle(machine.end, {
    findGlobal: torchGlobals,
    persistent: (id) => findStorage(file, parts, id),
  });
  const keys = unpickle(content.end);
  if (!Array.isArray(keys.value)) throw file.refusal('has no list of storages after its value');
  placeParts(file, parts, keys.value, keys.end);
  return content.value;
}

/** Describes any value of a pickle, also one that JSON does not have or that contains itself. */
function describe(value: PickleValue): string {
  if (typeof value === 'object' && value !== null) return 'a container';
  return String(value).slice(0, 100);
}

function findStorage(file: FileBytes, parts: Map<string, Part>, id: PickleValue): TorchStorage {
  const [kind, type, key, , length, view] = id instanceof PickleTuple ? id.items : [];
  if (kind !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string') {
    throw new RangeError('refers to external data that is not a storage (it may contain a whole module)');
  }
  const dtype = storageDtype(type.name);
  if (dtype === null || dtype === undefined)
    throw new RangeError(`has a storage of the unknown type "${type.name}"`);
  if (view !== null && view !== undefined) throw new RangeError('has a storage that is a view of another');
  const part = parts.get(key) ?? { dtype, length: Number(length) };
  if (part.dtype !== dtype || part.length !== Number(length))
    throw new RangeError(`describes storage "${key}" in two ways`);
  parts.set(key, part);
  const position = (): number => {
    if (part.offset === undefined) throw file.refusal(`does not contain the elements of storage "${key}"`);
    return part.offset;
  };
  const fetch = (): TypedArray => {
    part.elements ??= arrayFromBytes(dtype, file.read(position(), part.length * bytesPerElement(dtype)));
    return part.elements;
  };
  return new TorchStorage(key, dtype, part.length, fetch, position);
}

function placeParts(
  file: FileBytes,
  parts: Map<string, Part>,
  keys: readonly PickleValue[],
  start: number,
): void {
  let at = start;
  for (const key of keys) {
    const name = describe(key);
    const part = typeof key === 'string' ? parts.get(key) : undefined;
    if (part === undefined) throw file.refusal(`lists the storage "${name}", which nothing uses`);
    const head = file.read(at, 8);
    const length = Number(new DataView(head.buffer).getBigInt64(0, true));
    if (length !== part.length) {
      throw file.refusal(`storage "${name}" has the wrong length`, `${part.length} elements`, `${length}`);
    }
    part.offset = at + 8;
    at += 8 + length * bytesPerElement(part.dtype);
    if (at > file.size) throw file.refusal('is truncated', `${at} bytes`, `${file.size}`);
  }
}
