import type { Filter, Metadata } from 'h5wasm/node';
import { SamMilError } from '../../errors.js';
import type { FileBytes } from '../file-bytes.js';
import { countElements } from '../tensor.js';
import { H5Bytes } from './h5-bytes.js';
import { storedChunks } from './h5-chunks.js';
import { readLayout } from './h5-layout.js';

/** One byte of deflate expands to at most 1032 bytes. The ratios of several filters multiply. */
const MAX_RATIO: Readonly<Record<number, number>> = { 1: 1032 };
const OTHER_RATIO = 2 ** 16;
/** Small chunks have headers that the ratio does not cover. */
const SLACK_BYTES = 4096;

/** Above this size, values that take less than a hundredth of it in the file are refused as a bomb. */
const FREE_BYTES = 2 ** 28;
const MAX_EXPANSION = 100;

/** A dataset whose storage is to be checked. */
export interface StoredDataset {
  name: string;
  metadata: Metadata;
  filters: readonly Filter[];
  /** Address of its object header. */
  header: number;
}

/**
 * Refuses a dataset of which a part was never stored, before its values are allocated. HDF5 returns zeros for
 * such parts, so a file of a kilobyte can declare gigabytes, and an interrupted writer leaves rows of zeros.
 * @returns whether the values are in this file; if not, only the library knows where they are
 * @throws SamMilError InvalidInput naming the dataset
 */
export function checkStorage(file: FileBytes, dataset: StoredDataset): boolean {
  const { name, metadata, filters, header } = dataset;
  const shape = (metadata.shape ?? []).map(Number);
  const bytes = countElements(shape) * metadata.size;
  if (bytes === 0) return true;
  const structures = new H5Bytes(file);
  const layout = readLayout(structures, header);
  if (layout.kind === 'elsewhere') return false;
  if (layout.kind === 'compact') {
    if (layout.bytes < bytes) throw incomplete(file, name, `${bytes} bytes`, `${layout.bytes}`);
  } else if (layout.kind === 'contiguous') {
    const { address, bytes: stored = bytes } = layout;
    if (address === undefined || stored < bytes) {
      throw incomplete(file, name, `${bytes} bytes`, address === undefined ? 'none' : `${stored}`);
    }
    if (address + bytes > structures.size) {
      throw incomplete(file, name, `${bytes} bytes at ${address}`, `a file of ${structures.size} bytes`);
    }
  } else {
    const chunk = (metadata.chunks ?? []).map(Number);
    const expected = shape.reduce((count, size, axis) => count * Math.ceil(size / chunk[axis]), 1);
    const { count, sizes } = storedChunks(structures, layout.index, layout.address, expected);
    if (!(count >= expected)) throw incomplete(file, name, `${expected} chunks`, `${count}`);
    const chunkBytes = countElements(chunk) * metadata.size;
    const ratio = filters.reduce(
      (most, { id }) => most * (MAX_RATIO[id] ?? (isPacking(id) ? OTHER_RATIO : 1)),
      1,
    );
    for (const size of sizes ?? []) {
      if (size * ratio + (ratio > 1 ? SLACK_BYTES : 0) >= chunkBytes) continue;
      throw incomplete(file, name, `chunks of ${chunkBytes} bytes`, `${size} bytes for one of them`);
    }
    if (expected * chunkBytes > (structures.size + SLACK_BYTES) * ratio) {
      throw incomplete(
        file,
        name,
        `${expected} chunks of ${chunkBytes} bytes`,
        `a file of ${structures.size} bytes`,
      );
    }
    if (bytes > FREE_BYTES && bytes > structures.size * MAX_EXPANSION) {
      throw file.refusal(
        `dataset "${name}" expands too much`,
        `at most ${MAX_EXPANSION} times the size of the file, or ${FREE_BYTES >> 20} MiB`,
        `${Math.round(bytes / 2 ** 20)} MiB in a file of ${structures.size} bytes`,
      );
    }
  }
  return true;
}

/** Shuffle and a checksum do not make values smaller. */
function isPacking(filter: number): boolean {
  return filter !== 2 && filter !== 3;
}

function incomplete(file: FileBytes, name: string, expected: string, found: string): SamMilError {
  return new SamMilError('InvalidInput', `parts of dataset "${name}" were never stored`, {
    file: file.path,
    expected,
    found,
    next: 'create the file again; the program that wrote it was probably interrupted',
  });
}
