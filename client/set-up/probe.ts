import { fileURLToPath } from 'node:url';
import { lastLine, runCommand } from '../../domain/machine/run-command.js';
import { lastLineOf } from '../../domain/last-line.js';

/**
 * One finding about this machine. `missing`: the first command that needs the part downloads or builds it.
 * `broken`: the user must fix it.
 */
export interface Fact {
  name: string;
  state: 'ok' | 'missing' | 'broken' | 'warning';
  text: string;
  /** Why alternatives were not used, or what to do. */
  details: string[];
}

/** Programs that load one library each. */
const PROBES = {
  openslide: programPath('./openslide-probe.js'),
  tensorflow: programPath('../../domain/machine/tensorflow-probe.js'),
  onnx: programPath('../../domain/machine/onnx/provider-probe.js'),
};
const PROBE_MILLISECONDS = 120_000;

interface Probed {
  failure?: string;
  /** Lines that the libraries wrote. */
  log: string[];
  facts: Record<string, unknown>;
}

/** @param env variables for the program, such as those that show it one GPU */
export async function runProbe(part: keyof typeof PROBES, args: string[] = [], env = {}): Promise<Probed> {
  const result = await runCommand(process.execPath, [PROBES[part], ...args], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', ...env },
    timeout: PROBE_MILLISECONDS,
  });
  const log = result.stderr.split('\n').filter((line) => line.trim() !== '');
  if (result.code !== 0) return { failure: lastLine(result), log, facts: {} };
  const line = lastLineOf(result.stdout) ?? '';
  return { log, facts: JSON.parse(line) as Record<string, unknown> };
}

function programPath(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

export function fact(name: string, state: Fact['state'], text: string, details: string[] = []): Fact {
  return { name, state, text, details };
}
