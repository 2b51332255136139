import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

export interface Measured {
  /** The last line of the output, parsed. A process that was cut has printed what it had so far. */
  result: Record<string, unknown>;
  /** Highest memory in use on the GPU meanwhile, less what was in use before; undefined without a GPU. */
  gpu_mib?: number;
}

/**
 * Runs a process and samples the memory of the GPU four times per second.
 * @throws Error with the end of the process's error output if it fails, or is killed after `seconds` before
 * it printed anything
 */
export async function measure(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
  seconds: number,
): Promise<Measured> {
  const before = await usedMemory();
  let peak = before;
  const sampler = setInterval(() => {
    void usedMemory().then((used) => {
      if (used !== undefined) peak = Math.max(peak ?? 0, used);
    });
  }, 250);
  try {
    const output = await capture(command, environment, seconds);
    const result = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    return before === undefined ? { result } : { result, gpu_mib: (peak ?? before) - before };
  } finally {
    clearInterval(sampler);
  }
}

/** MiB in use on the first GPU; undefined without one. */
async function usedMemory(): Promise<number | undefined> {
  try {
    const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query);
    return Number(stdout.split('\n')[0]);
  } catch {
    return undefined;
  }
}

function capture(
  [program, ...parameters]: readonly string[],
  environment: NodeJS.ProcessEnv,
  seconds: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const alarm = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(alarm);
      const wasCut = signal === 'SIGKILL' && output.includes('\n');
      if (code === 0 || wasCut) resolve(output.slice(0, output.lastIndexOf('\n')));
      else reject(new Error(`ended with ${signal ?? code}: ${errors.trim()}`));
    });
  });
}
