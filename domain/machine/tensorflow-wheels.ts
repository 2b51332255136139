import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { platformKey, type SetUpLog } from './cache-folder.js';
import type { WheelRequest } from './wheel-request.js';

/** 2.19.1 is the newest release whose kernels, gradients and memory use were checked under tfjs-node 4.22. */
export const TENSORFLOW_VERSION = '2.19.1';

/**
 * TensorFlow.js for Node. The CPU and GPU packages share the addon's sources, which detect a GPU at run time.
 */
export const TFJS_PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * Wheels are built per Python version but contain the same libraries, so one version is requested regardless
 * of the installed Python.
 */
const PYTHON = '3.11';

export type TensorFlowVariant = 'cpu' | 'gpu';

const HEADERS =
  /^tensorflow\/include\/((?:tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.*\.h)$/;
const LIBRARIES = /^tensorflow\/(libtensorflow_(?:cc|framework)\.(?:so\.2|2\.dylib))$/;

/** The two libraries and the C headers of the TensorFlow wheel, below `into` as `lib/` and `include/`. */
export function tensorFlowRequest(variant: TensorFlowVariant, into: string, log: SetUpLog): WheelRequest {
  const cpuOnly = variant === 'cpu' && platformKey() === 'linux-x64';
  return {
    package: cpuOnly ? 'tensorflow-cpu' : 'tensorflow',
    version: TENSORFLOW_VERSION,
    python: PYTHON,
    files: {
      'linux-x64': {
        platform: 'manylinux_2_17_x86_64',
        sha256: cpuOnly
          ? '0b6d72bd09c267e7573757bd309f5b1e2cdb02577339991da751f3a1411e4dae'
          : '8e5524eb492160576e5eeea9bb472ddc653123503f2290f83123d5ac9545750e',
      },
      'linux-arm64': {
        platform: 'manylinux_2_17_aarch64',
        sha256: '22deedc251837f2382d2b287c705705cb089bfaf79b2274b78c08740e02bf188',
      },
      'darwin-arm64': {
        platform: 'macosx_12_0_arm64',
        sha256: '8a274a1336051bef0e7e042fa5818a9d342e300d9c311c5d7933eb60e2269770',
      },
    },
    select: (name) => {
      const header = HEADERS.exec(name);
      if (header !== null) return `include/${header[1]}`;
      const library = LIBRARIES.exec(name);
      return library === null ? undefined : `lib/${library[1]}`;
    },
    into,
    log,
  };
}

/**
 * The CUDA 12 libraries that TensorFlow 2.19.1 lists in its `and-cuda` extra: [package, version, SHA-256 of
 * the linux-x64 wheel].
 */
const CUDA_WHEELS: readonly (readonly [string, string, string])[] = [
  ['cublas', '12.5.3.2', 'ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b'],
  ['cuda-cupti', '12.5.82', 'bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953'],
  ['cuda-nvcc', '12.5.82', 'b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0'],
  ['cuda-nvrtc', '12.5.82', '3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd'],
  ['cuda-runtime', '12.5.82', '3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115'],
  ['cudnn', '9.3.0.75', '9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d'],
  ['cufft', '11.2.3.61', '9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8'],
  ['curand', '10.3.6.82', '2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536'],
  ['cusolver', '11.6.3.83', '93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b'],
  ['cusparse', '12.5.1.3', '016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752'],
  ['nccl', '2.23.4', 'b097258d9aab2fa9f686e33c6fe40ae57b27df60cedbd15d139701bb5509e0c1'],
  ['nvjitlink', '12.5.82', 'f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212'],
];

/**
 * One request per CUDA library. Each is unpacked to `<folder>/<library>`, which is on TensorFlow's own search
 * path (`$ORIGIN/../nvidia/...`).
 */
export function cudaRequests(folder: string, log: SetUpLog): WheelRequest[] {
  return CUDA_WHEELS.map(([name, version, sha256]) => {
    const library = name.replaceAll('-', '_');
    const member = new RegExp(`^nvidia/${library}/((?:lib|bin|nvvm)/.*)$`);
    return {
      package: `nvidia-${name}-cu12`,
      version,
      files: { 'linux-x64': { platform: 'manylinux2014_x86_64', sha256 } },
      select: (path: string) => member.exec(path)?.[1],
      executable: (path: string) => path.startsWith('bin/'),
      into: join(folder, library),
      log,
    };
  });
}

/**
 * `gpu` where an NVIDIA driver is loaded or SAM_MIL_GPU=1 is set. SAM_MIL_GPU=0 selects the CPU libraries on
 * a machine with a GPU.
 */
export function selectVariant(environment: NodeJS.ProcessEnv = process.env): TensorFlowVariant {
  if (environment.SAM_MIL_GPU === '1') return 'gpu';
  if (environment.SAM_MIL_GPU === '0' || platformKey() !== 'linux-x64') return 'cpu';
  return existsSync('/proc/driver/nvidia/version') ? 'gpu' : 'cpu';
}
