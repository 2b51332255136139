import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childEnvironment } from '../../activities/child/environment.js';
import { checkout } from '../../test/support/fixtures.js';

const python = process.env.SAM_MIL_PYTHON ?? 'python3';

/** Prints the folders of the CUDA libraries that Python packages brought: one line, as for a loader. */
const FIND_LIBRARIES =
  'import nvidia; from glob import glob; print(":".join(sorted(f for p in nvidia.__path__ for f in glob(p + "/*/lib"))))';

export interface Machine {
  gpu: string;
  /** For the loader, since our side has no CUDA libraries of its own here. */
  libraryPath: string;
}

export async function describeMachine(): Promise<Machine> {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  const gpu = await output('nvidia-smi', query).catch(() => 'no GPU');
  const libraryPath = await output(python, ['-c', FIND_LIBRARIES]).catch(() => '');
  return { gpu, libraryPath };
}

export interface Side {
  command(kind: 'encode' | 'segment', task: unknown): string[];
  environment: NodeJS.ProcessEnv;
}

/** ONNX Runtime and PyTorch use TF32 for fp32 in different places unless it is turned off for both. */
const NO_TF32 = { NVIDIA_TF32_OVERRIDE: '0' };

export function sides({ libraryPath }: Machine): Record<'ours' | 'peer', Side> {
  const here = dirname(fileURLToPath(import.meta.url));
  const paths = [libraryPath, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    ours: {
      command: (kind, task) => [process.execPath, join(here, `${kind}.js`), JSON.stringify(task)],
      environment: { ...childEnvironment(), ...NO_TF32, ...(paths !== '' && { LD_LIBRARY_PATH: paths }) },
    },
    peer: {
      command: (kind, task) => [python, join(checkout, 'bench', 'gpu', `${kind}.py`), JSON.stringify(task)],
      environment: { ...process.env, ...NO_TF32 },
    },
  };
}

async function output(program: string, parameters: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, parameters);
  return stdout.trim();
}
