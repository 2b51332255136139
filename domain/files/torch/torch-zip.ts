import { basename } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomicFile } from '../atomic-file.js';
import type { FileBytes } from '../file-bytes.js';
import { unpickle } from '../pickle/pickle-reader.js';
import { PickleGlobal, PickleTuple, type PickleValue } from '../pickle/pickle-values.js';
import { PickleWriter } from '../pickle/pickle-writer.js';
import { listZip, StoredZipWriter, type ZipEntry } from '../stored-zip.js';
import {
  arrayFromBytes,
  viewBytes,
  bytesPerElement,
  type Dtype,
  countElements,
  type TypedArray,
} from '../tensor.js';
import { STORAGE_DTYPES, storageDtype, torchGlobals, TorchStorage } from './torch-globals.js';

/** A tensor whose values may be supplied in pieces, so that a large bag need not be in memory. */
export interface TensorSource {
  dtype: Dtype;
  shape: number[];
  data: TypedArray | Iterable<TypedArray>;
}

/**
 * What to write: a single tensor, as in feature files; a dict of tensors, as in checkpoints; or such a dict
 * named `model` with notes.
 */
export type PtContent =
  | { tensor: TensorSource }
  | { tensors: Readonly<Record<string, TensorSource>> }
  | { model: Readonly<Record<string, TensorSource>>; notes: Readonly<Record<string, string>> };

/**
 * Writes a file that `torch.load(path, weights_only=True)` can read: a zip of stored, 64-byte aligned
 * entries. Equal content produces equal bytes: dates are fixed and the folder in the archive is always
 * `archive`.
 * @throws SamMilError UnsupportedFormat for uint16, uint32, uint64 (torch has no storage class for them),
 *   InvalidInput, DiskFull
 */
export function writePt(path: string, content: PtContent): void {
  const entries = Object.values(listTensors(content));
  const pickle = contentProgram(path, content);
  writeAtomicFile(path, (file) => {
    const zip = new StoredZipWriter(file);
    zip.add('archive/data.pkl', pickle.length, [pickle]);
    addText(zip, 'archive/byteorder', 'little');
    entries.forEach((tensor, index) => {
      const bytes = countElements(tensor.shape) * bytesPerElement(tensor.dtype);
      zip.add(`archive/data/${index}`, bytes, pieces(tensor));
    });
    addText(zip, 'archive/version', '3\n');
    zip.finish();
  });
}

function listTensors(content: PtContent): Readonly<Record<string, TensorSource>> {
  if ('tensor' in content) return { '': content.tensor };
  return 'model' in content ? content.model : content.tensors;
}

function contentProgram(path: string, content: PtContent): Uint8Array {
  const program = new PickleWriter(2);
  const dict = () =>
    program.dict(() =>
      Object.entries(listTensors(content)).forEach(([name, tensor], index) => {
        program.text(name);
        tensorProgram(program, path, tensor, index);
      }),
    );
  if ('tensor' in content) tensorProgram(program, path, content.tensor, 0);
  else if ('tensors' in content) dict();
  else {
    program.dict(() => {
      program.text('model');
      dict();
      for (const [name, note] of Object.entries(content.notes)) program.text(name).text(note);
    });
  }
  return program.op('.').take();
}

/** Runs the program of a zip checkpoint. Storages are read when a tensor needs them. */
export function readZipPt(file: FileBytes): PickleValue {
  const entries = entriesByName(file);
  refuseForeign(file, [...entries.values()]);
  const program = [...entries.values()].find((entry) => /^[^/]+\/data\.pkl$/.test(entry.name));
  if (program === undefined)
    throw file.refusal('is a zip archive without data.pkl', 'a file written by torch.save');
  const folder = program.name.slice(0, -'data.pkl'.length);
  checkFolder(file, folder, entries.keys());
  checkByteOrder(file, entries.get(`${folder}byteorder`));
  const storages = new Map<string, TorchStorage>();
  const persistent = (id: PickleValue): TorchStorage => {
    const storage = findStorage(file, entries, folder, id);
    const known = storages.get(storage.key);
    if (known !== undefined && known.dtype === storage.dtype && known.length === storage.length) return known;
    storages.set(storage.key, storage);
    return storage;
  };
  const end = program.offset + program.size;
  return unpickle(file, { start: program.offset, end, findGlobal: torchGlobals, persistent }).value;
}

/** Rejects two entries with the same name: torch and other programs would read different ones. */
function entriesByName(file: FileBytes): Map<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>();
  for (const entry of listZip(file)) {
    if (entries.has(entry.name)) throw file.refusal(`has two entries named "${entry.name}"`);
    entries.set(entry.name, entry);
  }
  return entries;
}

/**
 * Rejects paths that leave the archive's folder. Nothing is unpacked, so they would be harmless, but
 * torch.save never writes them and torch.load rejects them.
 */
function checkFolder(file: FileBytes, folder: string, names: Iterable<string>): void {
  for (const name of names) {
    if (name.startsWith(folder) && !name.split(/[/\\]/).includes('..')) continue;
    throw file.refusal(`entry "${name}" is outside the archive's folder`, `${folder}...`);
  }
}

/** Rejects archives that torch can open but that do not contain tensors as plain bytes. */
function refuseForeign(file: FileBytes, entries: readonly ZipEntry[]): void {
  if (entries.some(({ name }) => /^[^/]+\/code\//.test(name))) {
    throw new SamMilError('UnsupportedFormat', 'is a TorchScript program', {
      file: file.path,
      expected: 'tensors or a state_dict',
      next: 'load it with torch.jit.load and save its state_dict() with torch.save',
    });
  }
  const packed = entries.find(({ packing }) => packing !== 'stored');
  if (packed === undefined) return;
  throw new SamMilError('UnsupportedFormat', `entry "${packed.name}" is ${packed.packing}`, {
    file: file.path,
    expected: 'stored entries, as torch.save writes them',
    next: 'load and save it again with torch.save',
  });
}

function findStorage(
  file: FileBytes,
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
  id: PickleValue,
): TorchStorage {
  const [kind, type, key, , length] = id instanceof PickleTuple ? id.items : [];
  if (kind !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string') {
    throw new RangeError('refers to external data that is not a storage');
  }
  const dtype = storageDtype(type.name);
  if (dtype === null) throw new RangeError(`has a storage of the unknown type "${type.name}"`);
  const entry = entries.get(`${folder}data/${key}`);
  if (entry === undefined) throw new RangeError(`does not contain the entry of storage "${key}"`);
  const count = Number(length);
  const expectedBytes = count * (dtype === undefined ? 1 : bytesPerElement(dtype));
  if (!Number.isSafeInteger(count) || count < 0 || expectedBytes !== entry.size) {
    throw new RangeError(`states ${expectedBytes} bytes for storage "${key}", whose entry has ${entry.size}`);
  }
  let bytes: Uint8Array | undefined;
  const fetch = (requestedType: Dtype): TypedArray => {
    bytes ??= file.read(entry.offset, entry.size);
    return arrayFromBytes(requestedType, bytes);
  };
  return new TorchStorage(key, dtype, count, fetch, () => entry.offset);
}

function checkByteOrder(file: FileBytes, entry: ZipEntry | undefined): void {
  if (entry === undefined) return;
  const order = Buffer.from(file.read(entry.offset, Math.min(entry.size, 16))).toString('latin1');
  if (order !== 'little')
    throw file.refusal('was written on a machine with another byte order', 'little', order);
}

function tensorProgram(program: PickleWriter, path: string, tensor: TensorSource, key: number): void {
  const storage = Object.entries(STORAGE_DTYPES).find(([, dtype]) => dtype === tensor.dtype)?.[0];
  if (storage === undefined) {
    throw new SamMilError('UnsupportedFormat', `torch has no storage class for ${tensor.dtype}`, {
      file: basename(path),
    });
  }
  const { shape } = tensor;
  const strides = shape.map((_, axis) => countElements(shape.slice(axis + 1)));
  const sizes = (values: readonly number[]): PickleWriter =>
    program.tuple(() => values.forEach((value) => program.int(value)));
  program.global('torch._utils', '_rebuild_tensor_v2').tuple(() => {
    program.tuple(() =>
      program
        .text('storage')
        .global('torch', storage)
        .text(String(key))
        .text('cpu')
        .int(countElements(shape)),
    );
    program.op('Q').int(0);
    sizes(shape);
    sizes(strides);
    program.bool(false).global('collections', 'OrderedDict').op(')').op('R');
  });
  program.op('R');
}

function* pieces({ data }: TensorSource): Generator<Uint8Array> {
  if (ArrayBuffer.isView(data)) yield viewBytes(data);
  else for (const piece of data) yield viewBytes(piece);
}

function addText(zip: StoredZipWriter, name: string, text: string): void {
  zip.add(name, Buffer.byteLength(text), [Buffer.from(text)]);
}
