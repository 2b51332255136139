import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { writeAtomicFile, type AtomicFile } from '../../files/atomic-file.js';
import { withFileBytes, type FileBytes } from '../../files/file-bytes.js';
import { bfloat16FromFloat32, FLOAT16_LIMIT, float16FromFloat32 } from '../../files/half-float.js';
import { arrayFromBytes, bytesPerElement, toFloat32, viewBytes } from '../../files/tensor.js';
import { nativeCacheFolder } from '../cache-folder.js';
import { isExternal, type ExternalData } from './model-parts.js';
import type { PlannedTensor } from './half-graph.js';

/** Increases when the bytes of a converted file change. */
const VERSION = 1;

/** Tensors begin at multiples of this, so that they can be mapped into memory. */
const ALIGNMENT = 4096;

/** Elements converted at once. */
const PIECE = 1 << 20;

/** Converted weights that no encoder has used for this long are removed. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

/** Where the values of some tensors are. */
export interface PlacedWeights<Tensor> {
  /** A file in the folder that the session reads weights from. */
  path: string;
  tensors: Tensor[];
}

/**
 * Returns the tensors with external values of the element type that they state. If all are stored that way in
 * the checkpoint, it is used as it is. Otherwise a copy is kept in the cache of the machine, under the digest
 * of the checkpoint and of what is converted. It is written once, in pieces, and shared by all processes:
 * concurrent writers write the same bytes and each moves a complete file into place.
 *
 * @param checkpoint path of the checkpoint; other files of its folder may hold some of the tensors
 * @param digest of the checkpoint
 * @throws SamMilError InvalidInput naming a weight that float16 cannot represent
 */
export function placeWeights(
  tensors: readonly PlannedTensor[],
  { checkpoint, folder, digest }: { checkpoint: string; folder: string; digest: string },
): PlacedWeights<PlannedTensor> {
  const external = tensors.filter(({ data }) => isExternal(data));
  if (external.every(({ dtype, from }) => dtype === from)) return { path: checkpoint, tensors: [...tensors] };
  const plan = external.map(({ data, dtype, from }) => ({ ...(data as ExternalData), dtype, from }));
  const name = digestOfJson({ version: VERSION, digest, plan }).replace(':', '-');
  const path = join(nativeCacheFolder(), 'converted-weights', `${name}.bin`);
  const offsets = layOut(external);
  if (!isUsable(path, offsets.end)) write(path, folder, external, offsets.starts);
  const placed = tensors.map((tensor) => {
    const start = offsets.starts.get(tensor.name);
    if (start === undefined) return tensor;
    return { ...tensor, data: { location: basename(path), offset: start, length: lengthOf(tensor) } };
  });
  return { path, tensors: placed };
}

function layOut(tensors: readonly PlannedTensor[]): { starts: Map<string, number>; end: number } {
  const starts = new Map<string, number>();
  let end = 0;
  for (const tensor of tensors) {
    const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    starts.set(tensor.name, start);
    end = start + lengthOf(tensor);
  }
  return { starts, end };
}

function lengthOf({ data, dtype, from }: PlannedTensor): number {
  return ((data as ExternalData).length / bytesPerElement(from)) * bytesPerElement(dtype);
}

/** Notes the use, which keeps the file. */
function isUsable(path: string, bytes: number): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) return false;
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // A cache that this user can only read is still usable.
  }
  return true;
}

function write(
  path: string,
  folder: string,
  tensors: readonly PlannedTensor[],
  starts: ReadonlyMap<string, number>,
): void {
  const cache = join(path, '..');
  mkdirSync(cache, { recursive: true });
  sweep(cache);
  writeAtomicFile(path, (file) => {
    for (const tensor of tensors) {
      file.append(new Uint8Array((starts.get(tensor.name) ?? 0) - file.offset));
      const source = join(folder, (tensor.data as ExternalData).location);
      withFileBytes(source, (bytes) => convert(bytes, tensor, file));
    }
  });
}

/** Removes what no encoder has used for a month, and what a killed process left behind. */
function sweep(cache: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const used = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    const isPartial = name.endsWith('.partial');
    if (Date.now() - used > (isPartial ? KEPT_MS / 30 : KEPT_MS)) rmSync(path, { force: true });
  }
}

function convert(source: FileBytes, tensor: PlannedTensor, into: AtomicFile): void {
  const { from, dtype, data } = tensor;
  const { offset, length } = data as ExternalData;
  const step = PIECE * bytesPerElement(from);
  for (let at = 0; at < length; at += step) {
    const bytes = source.read(offset + at, Math.min(step, length - at));
    if (from === dtype) {
      into.append(bytes);
      continue;
    }
    const values = toFloat32({ dtype: from, data: arrayFromBytes(from, bytes) });
    if (dtype === 'float16') refuseOverflow(values, tensor, source.path);
    into.append(viewBytes(dtype === 'float16' ? float16FromFloat32(values) : bfloat16FromFloat32(values)));
  }
}

function refuseOverflow(values: Float32Array, { name }: PlannedTensor, file: string): void {
  const large = values.find((value) => Math.abs(value) >= FLOAT16_LIMIT);
  if (large === undefined) return;
  throw new SamMilError('InvalidInput', 'these weights cannot be converted to float16', {
    file,
    expected: 'values of at most 65504',
    found: `${large} in tensor ${name.replace(/:stored float16$/, '')}`,
    next: 'use `precision: bf16` or `fp32`',
  });
}
