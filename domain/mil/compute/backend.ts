import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { SamMilError } from '../../errors.js';
import { noteDevice } from '../../machine/usage.js';
import { requireTensorFlow } from '../../machine/load-tensorflow.js';
import { ensureTensorFlow, ensureTensorFlowPackages } from '../../machine/tensorflow.js';
import { TFJS_PACKAGE } from '../../machine/tensorflow-wheels.js';
import { HostKernels } from './host-kernels.js';
import type { Kernels } from './kernels.js';
import { NativeKernels } from './native-kernels.js';
import { silenceHint, type TensorFlow } from './tensorflow-internals.js';

export type { Rank, Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';

/** TensorFlow's API. Undefined until {@link openBackend} resolves, so that importing this module is cheap. */
export let tf: TensorFlow;

/** The operations of the backend that {@link openBackend} opened last. */
export let kernels: Kernels;

/** Kept, with its cached tensors, across a switch to the JavaScript backend and back. */
let nativeKernels: NativeKernels | undefined;

export type BackendChoice = 'auto' | 'tensorflow' | 'js';

/** The compute backend. Two runs are identical, bit for bit, only if all of these are equal. */
export interface Backend {
  name: 'tensorflow' | 'js';
  device: 'cpu' | 'gpu';
  /** `4.22.0+2.19.1`: TensorFlow.js, then the native library. */
  version: string;
  /**
   * `oneDNN avx2`: the library for matrix products and the widest instructions it finds. `CUDA` on a GPU,
   * `JavaScript` without the native library.
   */
  kernels: string;
  /** Threads per operation. Their number determines the order of summation in matrix products. */
  threads: number;
}

/**
 * Loads TensorFlow into this process. The native library loads once and takes a second and 250 MB, so load it
 * only in processes that compute. `auto` uses the native library (on the GPU if there is one) and falls back
 * to pure JavaScript, which is about 50 times slower, with a prominent warning.
 *
 * @throws SamMilError `Unavailable` where `tensorflow` is requested and cannot be set up
 */
export async function openBackend(
  choice: BackendChoice,
  warn: (message: string) => void = console.warn,
): Promise<Backend> {
  if (choice === 'js') return openJavaScript();
  try {
    return await openNative();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (choice === 'tensorflow') {
      throw new SamMilError('Unavailable', 'the native TensorFlow library cannot be loaded', {
        found: reason,
        next: 'run `npx sam-mil doctor`, or set `backend: js` (about 50 times slower)',
        cause,
      });
    }
    warn(
      `TRAINING WILL BE ABOUT 50 TIMES SLOWER: native TensorFlow cannot be loaded (${reason}); using JavaScript`,
    );
    return openJavaScript();
  }
}

async function openNative(): Promise<Backend> {
  const setUp = await ensureTensorFlow();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // TensorFlow enables oneDNN automatically only on CPUs with instructions for neural networks. With AVX2 its
  // batched products are up to four times as fast as Eigen's.
  if (process.arch === 'x64') process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  tf = requireTensorFlow(setUp.packages, TFJS_PACKAGE) as TensorFlow;
  await tf.setBackend('tensorflow');
  nativeKernels ??= new NativeKernels(tf);
  kernels = nativeKernels;
  const { gpu } = nativeKernels;
  noteDevice(gpu ? 'cuda' : 'cpu');
  return {
    name: 'tensorflow',
    device: gpu ? 'gpu' : 'cpu',
    version: `${setUp.tfjs}+${setUp.tensorflow}`,
    kernels: gpu ? 'CUDA' : cpuKernels(),
    threads: gpu ? 1 : Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism(),
  };
}

/** The JavaScript backend is part of the native package but loads without the native library. */
async function openJavaScript(): Promise<Backend> {
  if (tf === undefined) {
    tf = requireTensorFlow(await ensureTensorFlowPackages(), '@tensorflow/tfjs') as TensorFlow;
  }
  await tf.setBackend('cpu');
  // The backend's own hint to install the native package would only repeat the warning above.
  silenceHint(tf);
  kernels = new HostKernels(tf);
  noteDevice('cpu');
  return { name: 'js', device: 'cpu', version: tf.version_core, kernels: 'JavaScript', threads: 1 };
}

function cpuKernels(): string {
  const library = /^(1|true)$/i.test(process.env.TF_ENABLE_ONEDNN_OPTS ?? '') ? 'oneDNN' : 'Eigen';
  return `${library} ${instructions()}`;
}

/** Linux lists the CPU's instructions. On other systems the CPU's name is used instead. */
function instructions(): string {
  try {
    const flags = new Set(
      readFileSync('/proc/cpuinfo', 'utf8')
        .match(/^flags.*$/m)?.[0]
        .split(' '),
    );
    return ['avx512f', 'avx2', 'avx'].find((name) => flags.has(name)) ?? process.arch;
  } catch {
    return cpus()[0]?.model ?? process.arch;
  }
}

/** One line for display and comparison: `tensorflow cpu 4.22.0+2.19.1, oneDNN avx2, 2 threads`. */
export function describeBackend({ name, device, version, kernels, threads }: Backend): string {
  return `${name} ${device} ${version}, ${kernels}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
