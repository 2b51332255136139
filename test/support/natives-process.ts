/**
 * Program that computes with every native part and prints a digest of each result, as a line of JSON, for the
 * tests that compare versions of Node. Called as `node natives-process.js <scratch folder>`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime } from '@temporalio/worker';
import sharp from 'sharp';
import { openTrainSteps } from './train-steps.js';
import { writeH5 } from '../../domain/files/hdf5/h5.js';
import { loadOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { openSession } from '../../domain/machine/onnx/onnx-session.js';
import { openSlide } from '../../domain/pathology/slides/open.js';
import { checkout } from './fixtures.js';
import { writeTinyEncoder } from './tiny-encoder.js';

const [folder] = process.argv.slice(2);
process.env.TF_NUM_INTRAOP_THREADS = '2';

function digest(parts: readonly (Uint8Array | Float32Array)[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of parts)
    hash.update(Buffer.from(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

/** Five steps of SAM-MIL, forward and backward. */
async function tensorFlow(): Promise<string> {
  const { adam, step } = await openTrainSteps('sam-mil', 200, 64, 5);
  for (let i = 0; i < 5; i++) step(i);
  return digest(Object.values(adam.state().weights));
}

async function onnx(): Promise<string> {
  writeTinyEncoder(folder);
  const { Tensor } = await loadOnnxRuntime();
  const { session } = await openSession(join(folder, 'tiny.onnx'), { device: 'cpu' });
  const pixels = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => (i % 7) / 7);
  const { embedding } = await session.run({ pixels: new Tensor('float32', pixels, [1, 3, 32, 32]) });
  await session.release();
  return digest([embedding.data as Float32Array]);
}

/** Through koffi. */
async function openSlideRegion(): Promise<string> {
  const slide = openSlide(join(checkout, 'pipelines', 'data', 'slides', 'CMU-1-Small-Region.svs'));
  try {
    return digest([slide.readRegion(300, 400, 0, 64, 64)]);
  } finally {
    slide.close();
  }
}

async function sharpImage(): Promise<string> {
  const raw = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => i % 251));
  const image = sharp(raw, { raw: { width: 64, height: 64, channels: 3 } });
  return digest([await image.resize(31, 17).png().toBuffer()]);
}

async function hdf5(): Promise<string> {
  const path = join(folder, 'values.h5');
  writeH5(path, (file) => file.write('values', Float32Array.of(1, 2, 3), [3]));
  return digest([readFileSync(path)]);
}

/** Its core is a native library. */
async function temporal(): Promise<string> {
  Runtime.install({});
  await Runtime.instance().shutdown();
  return 'loads';
}

const results = {
  tensorFlow: await tensorFlow(),
  onnx: await onnx(),
  openSlide: await openSlideRegion(),
  sharp: await sharpImage(),
  hdf5: await hdf5(),
  temporal: await temporal(),
};
console.log(JSON.stringify({ node: process.versions.node, results }));
