import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-common';
import { SamMilError } from '../../errors.js';
import { preloadOnnxGpu } from '../onnx-gpu.js';
import { loadOnnxRuntime, onnxLibraryFolder } from '../onnx-runtime.js';

/**
 * Where to compute. `auto` selects the fastest device that works. A named device that fails is replaced by
 * the CPU, and {@link Provider.why} states why.
 */
export type Device = 'auto' | 'cpu' | 'cuda' | 'tensorrt';

/** Where a model computes, and why. */
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
  /**
   * CPU threads per run. Measured: features are identical, bit for bit, for 1 to 4 threads and any batch
   * size.
   */
  threads?: number;
  /**
   * The encoded model, if it is not in a file, or a function that encodes it for a provider. Its weights are
   * then read from the folder of `path`, to which nothing is written.
   */
  model?: Uint8Array | ((provider: ProviderName) => Uint8Array);
  /**
   * Keep memory that a run has freed for the next run (default); otherwise return it to the system. CPU only.
   */
  arena?: boolean;
  /**
   * Allocate a run's memory as one block once an earlier run has shown the sizes (default): faster for small
   * models, more memory for large ones.
   */
  pattern?: boolean;
}

/**
 * Opens a model with ONNX Runtime on the first execution provider that accepts it. `auto` tries CUDA where
 * the runtime was built with it, then the CPU. TensorRT is used only on request because it compiles each
 * model for minutes.
 *
 * @param path of the .onnx file; with `model`, of the checkpoint that holds its weights
 * @throws SamMilError `InvalidInput` where even the CPU cannot load the model
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
      const session = await runtime.create((typeof model === 'function' ? model(name) : model) ?? path, {
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

function sessionSettings(path: string, model: SessionOptions['model']): Record<string, unknown> {
  return {
    // Waiting threads must not spin: the cores decode the next patches meanwhile.
    intra_op: { allow_spinning: '0' },
    ...(model && { model_external_initializers_file_folder_path: dirname(path) }),
  };
}

/**
 * Lists each execution provider, and why it cannot be tried if so, for `doctor`. Only loading a model shows
 * whether a provider works.
 */
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
  /** Why a provider cannot be tried, or undefined if it can. */
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
      if (!built.has(name)) return 'this build of ONNX Runtime does not include it';
      // Trying without the file would only make the library print its own error.
      return hasProviderLibrary(name)
        ? undefined
        : "ONNX Runtime's library for it is not installed (run `sam-mil doctor --set-up` on a machine with an NVIDIA driver)";
    },
  };
}

/** GPU providers are separate libraries next to ONNX Runtime's own. Its npm package does not include them. */
function hasProviderLibrary(name: ProviderName): boolean {
  const file =
    process.platform === 'win32'
      ? `onnxruntime_providers_${name}.dll`
      : `libonnxruntime_providers_${name}.so`;
  return existsSync(join(onnxLibraryFolder(), file));
}

/** Providers to try, in order, ending with the CPU. Why others are not tried is added to `failures`. */
function candidates(device: Device, runtime: Runtime, failures: string[]): ProviderName[] {
  const requested: ProviderName[] = device === 'auto' ? ['cuda'] : device === 'cpu' ? [] : [device];
  const usable = requested.filter((name) => {
    const lack = runtime.lacks(name);
    if (lack !== undefined) failures.push(`${name}: ${lack}`);
    return lack === undefined;
  });
  return [...usable, 'cpu'];
}

function reason(name: ProviderName, device: Device, failures: readonly string[]): string {
  if (failures.length > 0) return failures.join('; ');
  return device === 'auto' ? `fastest provider that works on this machine` : `${name} was requested`;
}

function unreadable(path: string, cause: unknown): SamMilError {
  return new SamMilError('InvalidInput', `ONNX Runtime cannot load this model: ${firstLine(cause)}`, {
    file: path,
    next: 'check that the file is complete and that its weights are in the same folder',
    cause,
  });
}

/**
 * Extracts CUDA's own message if there is one, else the message without its position in the runtime's source.
 */
function firstLine(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0];
  const bare = line.replace(/\/onnxruntime_src\/.*?\)\s+(?=[A-Z[])/, '');
  return /CUDA failure \d+: [^;]*/.exec(line)?.[0].trim() ?? bare;
}
