import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-common';
import { SamMilError } from '../../errors.js';
import { preloadOnnxGpu } from '../onnx-gpu.js';
import { loadOnnxRuntime, onnxLibraryFolder } from '../onnx-runtime.js';

/** Where to compute. `auto`: the fastest that works. A named one that fails is replaced by the CPU, and {@link Provider.why} says so. */
export type Device = 'auto' | 'cpu' | 'cuda' | 'tensorrt';

/** Where a model computes, and why there. */
export interface Provider {
  name: 'cpu' | 'cuda' | 'tensorrt';
  why: string;
}

export interface OnnxSession {
  session: InferenceSession;
  provider: Provider;
}

type ProviderName = Provider['name'];

export interface SessionOptions {
  device?: Device;
  /** CPU threads of one run. Measured: features have the same bits for 1 to 4 threads and for any batch size. */
  threads?: number;
  /** The model, where no file holds it: its weights are then looked for in the folder of `path`, and nothing is written there. */
  model?: Uint8Array;
  /** Keep memory that a run has freed for the next one (default); without, it goes back to the system. On the CPU. */
  arena?: boolean;
  /** Plan a run's memory as one block once sizes are known from an earlier run (default): faster for small models, more memory for large ones. */
  pattern?: boolean;
}

/**
 * Opens a model with ONNX Runtime on the first execution provider that takes it. `auto` tries CUDA where the runtime was built with it, then the CPU;
 * TensorRT only on request, since it compiles each model for minutes.
 *
 * @param path of the .onnx file; with `model`, of the checkpoint that its weights lie in
 * @throws SamMilError `InvalidInput` where even the CPU can't load the model
 */
export async function openSession(
  path: string,
  { device = 'auto', threads = 1, model, arena = true, pattern = true }: SessionOptions,
): Promise<OnnxSession> {
  const runtime = await loadRuntime();
  const failures: string[] = [];
  for (const name of candidates(device, runtime, failures)) {
    try {
      if (name !== 'cpu') preloadOnnxGpu();
      const session = await runtime.create(model ?? path, {
        executionProviders: name === 'cpu' ? ['cpu'] : [name, 'cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        enableCpuMemArena: arena,
        enableMemPattern: pattern,
        extra: { session: sessionSettings(path, model) },
      });
      return { session, provider: { name, why: reason(name, device, failures) } };
    } catch (cause) {
      if (name === 'cpu') throw unreadable(path, cause);
      failures.push(`${name}: ${firstLine(cause)}`);
    }
  }
  throw new SamMilError('Internal', 'no execution provider was tried', { file: path });
}

function sessionSettings(path: string, model: Uint8Array | undefined): Record<string, unknown> {
  return {
    // Threads that wait must not spin: the cores decode the next patches meanwhile.
    intra_op: { allow_spinning: '0' },
    ...(model && { model_external_initializers_file_folder_path: dirname(path) }),
  };
}

/** For `doctor`: each execution provider, and what keeps it from being tried; none that is tried is promised to work before a model is loaded. */
export async function executionProviders(): Promise<{ name: ProviderName; lack?: string }[]> {
  const runtime = await loadRuntime();
  return (['cuda', 'tensorrt', 'cpu'] as const).map((name) => ({ name, lack: runtime.lacks(name) }));
}

export async function runtimeVersion(): Promise<string> {
  const runtime = await loadOnnxRuntime();
  return runtime.env.versions.node ?? runtime.env.versions.common;
}

interface Runtime {
  create(model: string | Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  /** Why a provider can't be tried; undefined where it can. */
  lacks(name: ProviderName): string | undefined;
}

async function loadRuntime(): Promise<Runtime> {
  const runtime = await loadOnnxRuntime();
  const built = new Set(runtime.listSupportedBackends().map((backend) => backend.name));
  return {
    create: (model, options) =>
      typeof model === 'string'
        ? runtime.InferenceSession.create(model, options)
        : runtime.InferenceSession.create(model, options),
    lacks: (name) => {
      if (name === 'cpu') return undefined;
      if (!built.has(name)) return 'this build of ONNX Runtime does not have it';
      // Trying without the file would only make the library print an error of its own.
      return hasProviderLibrary(name)
        ? undefined
        : "ONNX Runtime's library for it is not here (`sam-mil doctor --set-up` on a machine with an NVIDIA driver brings it)";
    },
  };
}

/** Graphics providers are libraries beside ONNX Runtime's own, which its npm package brings on request only. */
function hasProviderLibrary(name: ProviderName): boolean {
  const file =
    process.platform === 'win32'
      ? `onnxruntime_providers_${name}.dll`
      : `libonnxruntime_providers_${name}.so`;
  return existsSync(join(onnxLibraryFolder(), file));
}

/** Providers to try, in order, ending with the CPU; what is not tried is said in `failures`. */
function candidates(device: Device, runtime: Runtime, failures: string[]): ProviderName[] {
  const wanted: ProviderName[] = device === 'auto' ? ['cuda'] : device === 'cpu' ? [] : [device];
  const usable = wanted.filter((name) => {
    const lack = runtime.lacks(name);
    if (lack !== undefined) failures.push(`${name}: ${lack}`);
    return lack === undefined;
  });
  return [...usable, 'cpu'];
}

function reason(name: ProviderName, device: Device, failures: readonly string[]): string {
  if (failures.length > 0) return failures.join('; ');
  return device === 'auto' ? `first of the providers that work here` : `asked for ${name}`;
}

function unreadable(path: string, cause: unknown): SamMilError {
  return new SamMilError('InvalidInput', `ONNX Runtime can't load this model: ${firstLine(cause)}`, {
    file: path,
    next: 'check that the file is complete and that its weights lie beside it',
    cause,
  });
}

/** CUDA's own words where they are in it, else all but the place in the runtime's source. */
function firstLine(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0];
  const bare = line.replace(/\/onnxruntime_src\/.*?\)\s+(?=[A-Z[])/, '');
  return /CUDA failure \d+: [^;]*/.exec(line)?.[0].trim() ?? bare;
}
