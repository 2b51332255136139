import { SamMilError } from '../errors.js';
import { writeAtomicFile } from './atomic-file.js';
import type { FileBytes } from './file-bytes.js';
import { withFileBytes } from './file-bytes.js';
import {
  arrayFromBytes,
  viewBytes,
  bytesPerElement,
  type Dtype,
  countElements,
  isPossibleShape,
  type Tensor,
} from './tensor.js';

/**
 * The content of a safetensors file: an 8-byte header length, a JSON header, then the raw values. Source:
 * https://huggingface.co/docs/safetensors
 */
export interface Safetensors {
  tensors: Record<string, Tensor>;
  /** The file's metadata: text by name. */
  metadata: Record<string, string>;
}

const NAMES: Record<Dtype, string> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
};

/** The reference implementation rejects larger headers too. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Writes tensors and metadata. Equal content produces equal bytes: tensors are sorted by element size,
 * largest first, so that each is aligned, then by name.
 * @throws SamMilError InvalidInput, DiskFull; no partial file remains
 * @throws RangeError if a tensor's data does not fill its shape
 */
export function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const entries = Object.entries(tensors).sort(
    ([nameA, a], [nameB, b]) =>
      bytesPerElement(b.dtype) - bytesPerElement(a.dtype) || (nameA < nameB ? -1 : nameA > nameB ? 1 : 0),
  );
  const header = headerBytes(entries, metadata);
  writeAtomicFile(path, (file) => {
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
    file.append(length);
    file.append(header);
    for (const [, tensor] of entries) file.append(viewBytes(tensor.data));
  });
}

/**
 * Reads a whole file. Every length, shape and offset is checked against the file before memory is allocated.
 * @throws SamMilError InvalidInput naming the file and tensor
 */
export function readSafetensors(path: string): Safetensors {
  return withFileBytes(path, (file) => {
    const { header, start } = readHeader(file);
    const metadata = readMetadata(file, header);
    const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
    const parsed = entries.map(([name, entry]) => parseEntry(file, name, entry));
    checkCoverage(file, parsed, file.size - start);
    const tensors = Object.fromEntries(
      parsed.map(({ name, dtype, shape, begin, end }) => [
        name,
        { dtype, shape, data: arrayFromBytes(dtype, file.read(start + begin, end - begin)) },
      ]),
    );
    return { tensors, metadata };
  });
}

/**
 * Returns the location of each tensor without reading values. `offset` is in bytes from the start of the
 * file.
 * @throws SamMilError as {@link readSafetensors}
 */
export function safetensorsLayout(
  path: string,
): Map<string, { dtype: Dtype; shape: number[]; offset: number }> {
  return withFileBytes(path, (file) => {
    const { header, start } = readHeader(file);
    const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
    const parsed = entries.map(([name, entry]) => parseEntry(file, name, entry));
    checkCoverage(file, parsed, file.size - start);
    return new Map(
      parsed.map(({ name, dtype, shape, begin }) => [name, { dtype, shape, offset: start + begin }]),
    );
  });
}

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

function headerBytes(entries: [string, Tensor][], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header: Record<string, unknown> = {};
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (notes.length > 0) header.__metadata__ = Object.fromEntries(notes);
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === '__metadata__' || data.length !== countElements(shape)) {
      throw new RangeError(
        `tensor "${name}": ${data.length} elements do not fill shape [${shape.join(', ')}]`,
      );
    }
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = JSON.stringify(header);
  const padded = Math.ceil(Buffer.byteLength(text) / 8) * 8;
  return Buffer.concat([Buffer.from(text), Buffer.alloc(padded - Buffer.byteLength(text), ' ')]);
}

function readHeader(file: FileBytes): { header: Record<string, unknown>; start: number } {
  if (file.size < 8)
    throw file.refusal('is too short for a safetensors file', 'at least 8 bytes', `${file.size}`);
  const lengthBytes = file.read(0, 8);
  const length = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > file.size) {
    throw file.refusal(
      'is not a safetensors file',
      'a header that fits in the file',
      `a header of ${length} bytes`,
    );
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file.read(8, length));
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) {
      if (countKeys(text) > Object.keys(header).length)
        throw file.refusal('has two tensors with the same name');
      return { header: header as Record<string, unknown>, start: 8 + length };
    }
  } catch (error) {
    if (error instanceof SamMilError) throw error;
  }
  throw file.refusal('is not a safetensors file', 'a JSON object as its header');
}

/** Number of keys of the outer object of a JSON text. JSON.parse keeps the last of two equal ones. */
function countKeys(text: string): number {
  let [depth, keys] = [0, 0];
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/gs)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (token === ':' && depth === 1) keys++;
  }
  return keys;
}

function readMetadata(file: FileBytes, header: Record<string, unknown>): Record<string, string> {
  const notes = header.__metadata__ ?? {};
  if (
    typeof notes !== 'object' ||
    notes === null ||
    Object.values(notes).some((note) => typeof note !== 'string')
  ) {
    throw file.refusal('has malformed metadata', 'text by name');
  }
  return notes as Record<string, string>;
}

function parseEntry(file: FileBytes, name: string, entry: unknown): Entry {
  const { dtype: code, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const dtype = (Object.keys(NAMES) as Dtype[]).find((key) => NAMES[key] === code);
  if (dtype === undefined) {
    throw file.refusal(
      `tensor "${name}" has an unknown type`,
      Object.values(NAMES).join(', '),
      excerpt(code),
    );
  }
  if (!isSizes(shape) || !isPossibleShape(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw file.refusal(`tensor "${name}" is malformed`, 'a shape and two data_offsets', excerpt(entry));
  }
  const [begin, end] = offsets;
  const bytes = countElements(shape) * bytesPerElement(dtype);
  if (end - begin !== bytes) {
    throw file.refusal(
      `tensor "${name}" has the wrong size`,
      `${bytes} bytes for ${code as string} [${shape.join(', ')}]`,
      `${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Shows a value of a header, which may be nested too deeply to print. */
function excerpt(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? 'nothing').slice(0, 200);
  } catch {
    return 'a deeply nested value';
  }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** The format requires that the tensors fill the data without gaps and without overlap. */
function checkCoverage(file: FileBytes, entries: Entry[], bytes: number): void {
  let expected = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== expected)
      throw file.refusal(
        `tensor "${name}" overlaps another or leaves a gap`,
        `offset ${expected}`,
        `${begin}`,
      );
    expected = end;
  }
  if (expected === bytes) return;
  const what =
    bytes < expected ? 'is truncated: it is shorter than its header says' : 'has extra bytes at its end';
  throw file.refusal(what, `${expected} bytes of values`, `${bytes}`);
}
