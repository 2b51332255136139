/**
 * Program that loads native TensorFlow and prints its backend, its speed and whether it uses a GPU as a line
 * of JSON. It runs in a separate process because a broken library can crash its process. Usage:
 * `node tensorflow-probe.js <folder of the npm packages>`
 */
import { requireTensorFlow } from './load-tensorflow.js';
import { TFJS_PACKAGE } from './tensorflow-wheels.js';

interface TensorFlow {
  getBackend(): string;
  backend(): { isUsingGpuDevice?: boolean };
  ones(shape: number[]): unknown;
  tidy<T>(work: () => T): T;
  matMul(a: unknown, b: unknown): { min(): { dataSync(): Float32Array } };
}

/**
 * Rate of a 1024 x 1024 x 1024 matrix product in 32-bit floats, counted as 2 n^3 operations; the best of
 * three rounds.
 */
function probe(packages: string): { backend: string; gflops: number; gpu: boolean } {
  const tf = requireTensorFlow(packages, TFJS_PACKAGE) as TensorFlow;
  const a = tf.ones([1024, 1024]);
  const product = () => tf.tidy(() => tf.matMul(a, a).min().dataSync()[0]);
  if (product() !== 1024) throw new Error('a matrix product returned a wrong result');
  const seconds = [1, 2, 3].map(() => {
    const start = performance.now();
    for (let i = 0; i < 5; i++) product();
    return (performance.now() - start) / 5000;
  });
  const gflops = Math.round((2 * 1024 ** 3) / Math.min(...seconds) / 1e9);
  return { backend: tf.getBackend(), gflops, gpu: tf.backend().isUsingGpuDevice === true };
}

console.log(JSON.stringify(probe(process.argv[2])));
