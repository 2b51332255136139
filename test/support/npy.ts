import { readFileSync } from 'node:fs';

/** A float32 .npy file of format 1.0, C order. */
export function readFloatNpy(path: string): { shape: number[]; data: Float32Array } {
  const bytes = readFileSync(path);
  const offset = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, offset);
  if (!header.includes("'<f4'") || header.includes("'fortran_order': True"))
    throw new Error(`${path}: ${header}`);
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  return { shape, data: new Float32Array(Uint8Array.from(bytes.subarray(offset)).buffer) };
}
