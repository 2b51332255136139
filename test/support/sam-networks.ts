import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Tensor } from 'onnxruntime-common';
import { loadOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { openSession } from '../../domain/machine/onnx/onnx-session.js';
import { fixture } from './fixtures.js';
import { readFloatNpy } from './npy.js';

/** Some elements of a tensor that the original computed, at places of its own order. */
export interface Probe {
  shape: number[];
  flat_indices: number[];
  values: number[];
  l2?: number;
}

/** What segment-anything computes of image.png and eight points with the small model. */
export interface Networks {
  preprocessed: Probe & { channel_mean_unpadded: number[] };
  resized: { width: number; height: number };
  dense_pe: Probe;
  encoder_stages: Record<string, Probe>;
  decoder_stages: Record<string, Probe>;
  points_xy: [number, number][];
  model_frame_points_xy: [number, number][];
  iou_predictions: number[][];
}

/** A .npy.gz file of float32 among SAM's fixtures. */
export function samNpy(name: string, folder: string): Float32Array {
  const path = join(folder, name);
  writeFileSync(path, gunzipSync(readFileSync(fixture(`sam/${name}.npy.gz`))));
  return readFloatNpy(path).data;
}

/** Largest difference of two arrays of one length. */
export function farthest(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.equal(found.length, wanted.length);
  let distance = 0;
  for (let i = 0; i < wanted.length; i++) {
    // Not Math.max: it must not hide a NaN among small differences.
    const apart = Math.abs(found[i] - wanted[i]);
    if (!(apart <= distance)) distance = apart;
  }
  return distance;
}

/**
 * Checks a probe's elements.
 * @param place where the element of a flat index of the original lies in `found`; the same place where left
 *   out
 */
export function checkProbe(
  name: string,
  found: ArrayLike<number>,
  probe: Probe,
  tolerance: number,
  place: (index: number) => number = (index) => index,
): void {
  assert.equal(
    found.length,
    probe.shape.reduce((product, size) => product * size, 1),
    name,
  );
  const values = probe.flat_indices.map((index) => found[place(index)]);
  const apart = farthest(values, probe.values);
  assert.ok(apart <= tolerance, `${name} is ${apart} off`);
  if (probe.l2 === undefined) return;
  const norm = Math.sqrt(Array.from(found).reduce((sum, value) => sum + value * value, 0));
  assert.ok(Math.abs(norm - probe.l2) <= 1e-4 * probe.l2, `${name}: norm ${norm}, not ${probe.l2}`);
}

/**
 * Runs a graph whose weights lie in the checkpoint at `path`. Returns a function that gives an output's
 * values.
 */
export async function runGraph(
  path: string,
  model: Uint8Array,
  feeds: Record<string, { data: Float32Array; shape: number[] }>,
): Promise<(name: string) => Float32Array> {
  const runtime = await loadOnnxRuntime();
  const { session } = await openSession(path, { device: 'cpu', threads: 2, model });
  const tensors = Object.entries(feeds).map(([name, { data, shape }]): [string, Tensor] => {
    return [name, new runtime.Tensor('float32', data, shape)];
  });
  const results = await session.run(Object.fromEntries(tensors));
  await session.release();
  return (name) => {
    assert.ok(name in results, `no output ${name}`);
    return results[name].data as Float32Array;
  };
}
