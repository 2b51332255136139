import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { nativeCacheFolder } from '../../domain/machine/cache-folder.js';
import { temporaryFolder } from './temporary-folder.js';

/** Bounds of half precision for these networks, and the least that it must differ from float32. */
const BOUNDS = {
  fp16: { most: 2e-2, cosine: 0.99999, least: 1e-5 },
  bf16: { most: 0.2, cosine: 0.9995, least: 1e-3 },
} as const;

/** Checks that features are those in float32 up to the rounding of half precision, and not the same. */
export function assertHalf(
  precision: keyof typeof BOUNDS,
  found: Float32Array,
  expected: Float32Array,
  dim: number,
): void {
  assert.equal(found.length, expected.length);
  const { most, cosine, least } = BOUNDS[precision];
  const difference = Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
  assert.ok(difference < most && difference > least, `differs by ${difference}`);
  for (let at = 0; at < found.length; at += dim) {
    const angle = cosineOf(found.subarray(at, at + dim), expected.subarray(at, at + dim));
    assert.ok(angle > cosine, `cosine ${angle}`);
  }
}

/** Returns the folder of converted weights in an empty cache. */
export function useOwnCache(context: TestContext): string {
  const { SAM_MIL_CACHE } = process.env;
  const cache = temporaryFolder(context);
  symlinkSync(join(nativeCacheFolder(), 'onnxruntime'), join(cache, 'onnxruntime'));
  process.env.SAM_MIL_CACHE = cache;
  context.after(() => {
    if (SAM_MIL_CACHE === undefined) delete process.env.SAM_MIL_CACHE;
    else process.env.SAM_MIL_CACHE = SAM_MIL_CACHE;
  });
  return join(cache, 'converted-weights');
}

export function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
