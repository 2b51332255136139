/**
 * Program that loads one native part and prints what it can do, as a line of JSON. It is a process of its own, so that a library that crashes
 * takes `doctor` nowhere. Called as `node probe.js openslide <library>` or `tensorflow`.
 */
import { createRequire } from 'node:module';
import koffi from 'koffi';

const require = createRequire(import.meta.url);

const PROBES: Record<string, (argument: string) => object | Promise<object>> = {
  openslide: (library) => {
    const version = koffi.load(library).func('const char *openslide_get_version()');
    return { version: (version as () => string)() };
  },
  tensorflow: () => probeTensorFlow(),
};

interface TensorFlow {
  getBackend(): string;
  version: Record<string, string>;
  node?: { isUsingGpuDevice?: boolean };
  ones(shape: number[]): unknown;
  tidy<T>(work: () => T): T;
  matMul(a: unknown, b: unknown): { min(): { dataSync(): Float32Array } };
}

/** Rate of a 1024 x 1024 x 1024 matrix product in 32-bit floats, reckoned as 2 n^3 operations; the best of three rounds. */
function probeTensorFlow(): object {
  const tf = require('@tensorflow/tfjs-node-gpu') as TensorFlow;
  const a = tf.ones([1024, 1024]);
  const product = () => tf.tidy(() => tf.matMul(a, a).min().dataSync()[0]);
  if (product() !== 1024) throw new Error('a matrix product came out wrong');
  const seconds = [1, 2, 3].map(() => {
    const start = performance.now();
    for (let i = 0; i < 5; i++) product();
    return (performance.now() - start) / 5000;
  });
  return {
    backend: tf.getBackend(),
    version: tf.version['tfjs-core'],
    gflops: Math.round((2 * 1024 ** 3) / Math.min(...seconds) / 1e9),
  };
}

const [part, argument = ''] = process.argv.slice(2);
console.log(JSON.stringify(await PROBES[part](argument)));
