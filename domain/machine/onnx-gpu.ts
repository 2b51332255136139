import { existsSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { nativeCacheFolder, platformKey, silent, type SetUpLog } from './cache-folder.js';
import { linkInto } from './link-into.js';
import { hasOnnxRuntime, onnxLibraryFolder } from './onnx-runtime.js';
import { selectVariant } from './tensorflow-wheels.js';
import { fetchWheel } from './wheel.js';
import type { WheelRequest } from './wheel-request.js';

/**
 * Providers and runtime share an interface that is private to each version, so both must have the same
 * version.
 */
const VERSION = '1.30.0';
const PYTHON = '3.11';

/**
 * ONNX Runtime's GPU providers, and the CUDA 13 libraries they were built against: [package, version,
 * platform, SHA-256].
 */
const WHEELS: readonly (readonly [name: string, version: string, platform: string, sha256: string])[] = [
  [
    'onnxruntime-gpu',
    VERSION,
    'manylinux_2_28_x86_64',
    '4fbf0c5d7b5fb99266c2e8a802e3e64af68bdc383e0f3c7349b985f1087eedaa',
  ],
  [
    'nvidia-cuda-runtime',
    '13.5.37',
    'manylinux2014_x86_64',
    'df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d',
  ],
  [
    'nvidia-cublas',
    '13.10.0.20',
    'manylinux1_x86_64',
    'dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84',
  ],
  [
    'nvidia-cuda-nvrtc',
    '13.5.37',
    'manylinux2010_x86_64',
    '86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc',
  ],
  [
    'nvidia-nvjitlink',
    '13.5.37',
    'manylinux2010_x86_64',
    '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb',
  ],
  [
    'nvidia-curand',
    '10.4.5.25',
    'manylinux_2_27_x86_64',
    '22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529',
  ],
  [
    'nvidia-cufft',
    '12.5.0.14',
    'manylinux2014_x86_64',
    'b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad',
  ],
  [
    'nvidia-cudnn-cu13',
    '9.28.1.4',
    'manylinux_2_27_x86_64',
    'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec',
  ],
];

/** Ordered so that the dependencies of each library are loaded before it. */
const PRELOADED: readonly (readonly [wheel: string, library: string])[] = [
  ['nvidia-cuda-runtime', 'libcudart.so.13'],
  ['nvidia-cublas', 'libcublasLt.so.13'],
  ['nvidia-cublas', 'libcublas.so.13'],
  ['nvidia-cuda-nvrtc', 'libnvrtc.so.13'],
  ['nvidia-curand', 'libcurand.so.10'],
  ['nvidia-nvjitlink', 'libnvJitLink.so.13'],
  ['nvidia-cufft', 'libcufft.so.12'],
  ['nvidia-cudnn-cu13', 'libcudnn_graph.so.9'],
  ['nvidia-cudnn-cu13', 'libcudnn.so.9'],
];

const PROVIDERS = ['shared', 'cuda', 'tensorrt'].map((name) => `libonnxruntime_providers_${name}.so`);
const LIBRARY = /^(?:onnxruntime\/capi|nvidia\/(?:cu13|cudnn)\/lib)\/(lib[^/]+\.so[.\d]*)$/;

/**
 * Downloads what ONNX Runtime's npm package lacks for NVIDIA GPUs: its CUDA and TensorRT providers from the
 * wheel of the same version, and the CUDA 13 libraries they need (1.5 GB to download, 2.3 GB on disk;
 * requires driver 580 or newer). The providers are linked next to the runtime, which looks for them there.
 * TensorRT's own libraries must be installed on the machine. Does nothing where no GPU is requested, see
 * {@link selectVariant}.
 *
 * @throws SamMilError `Unavailable` where a wheel cannot be downloaded
 */
export async function ensureOnnxGpu(log: SetUpLog = silent): Promise<void> {
  if (selectVariant() !== 'gpu') return;
  if (!hasOnnxGpu()) log('ONNX Runtime for GPUs: one-time set-up, downloads 1.5 GB, keeps 2.3 GB');
  for (const request of onnxGpuRequests(log)) await fetchWheel(request);
  for (const file of PROVIDERS)
    await linkInto(join(onnxLibraryFolder(), file), join(libraries('onnxruntime-gpu'), file));
}

/** One request per wheel. Each has a separate folder for its libraries. */
export function onnxGpuRequests(log: SetUpLog = silent): WheelRequest[] {
  return WHEELS.map((wheel) => wheelRequest(wheel, log));
}

/** Whether {@link ensureOnnxGpu} has completed on this machine. */
export function hasOnnxGpu(): boolean {
  return (
    hasOnnxRuntime() &&
    WHEELS.every(([name]) => existsSync(libraries(name))) &&
    PROVIDERS.every((file) => existsSync(join(onnxLibraryFolder(), file)))
  );
}

let preloaded = false;

/**
 * Loads the downloaded CUDA libraries into this process, so that the providers find them without a library
 * path in the environment. Does nothing where they were not downloaded: the providers then look for the
 * libraries of the machine.
 *
 * @throws Error of the loader
 */
export function preloadOnnxGpu(): void {
  if (preloaded || !hasOnnxGpu()) return;
  for (const [wheel, library] of PRELOADED) koffi.load(join(libraries(wheel), library));
  preloaded = true;
}

function libraries(wheel: string): string {
  return join(nativeCacheFolder(), 'onnx-gpu', `${VERSION}-cuda13-${platformKey()}`, wheel);
}

function wheelRequest(
  [name, version, platform, sha256]: (typeof WHEELS)[number],
  log: SetUpLog,
): WheelRequest {
  return {
    package: name,
    version,
    ...(name === 'onnxruntime-gpu' ? { python: PYTHON } : {}),
    files: { 'linux-x64': { platform, sha256 } },
    select: (member) => {
      const library = LIBRARY.exec(member)?.[1];
      const selected = name !== 'onnxruntime-gpu' || (library !== undefined && PROVIDERS.includes(library));
      return selected ? library : undefined;
    },
    into: libraries(name),
    log,
  };
}
