import { SamMilError } from '../../errors.js';

/** Variables that every program gets from the environment of its worker. */
export const PASSED_VARIABLES = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'],
  ...['LD_LIBRARY_PATH', 'CUDA_DEVICE_ORDER', 'CUDA_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES'],
] as const;

/**
 * Settings for Python: output that appears at once, no bytecode files beside the script (they would change
 * the digest of its folder), and sets with the same order in each attempt.
 */
const PYTHON = { PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' } as const;

export interface EnvironmentParts {
  /** Environment of the worker. */
  worker: NodeJS.ProcessEnv;
  /** `pass-env`. */
  pass: readonly string[];
  /** `SAM_MIL_…`. */
  own: Readonly<Record<string, string>>;
  /** `env`, which takes precedence. */
  given: Readonly<Record<string, string>>;
}

/**
 * Returns the environment of a program.
 * @throws SamMilError InvalidInput if the worker does not have a variable of `pass-env`
 */
export function programEnvironment({ worker, pass, own, given }: EnvironmentParts): Record<string, string> {
  const environment: Record<string, string> = { ...PYTHON };
  for (const name of [...PASSED_VARIABLES, ...pass]) {
    const value = worker[name];
    if (value !== undefined) environment[name] = value;
    else if (pass.includes(name)) throw missingVariable(name);
  }
  return { ...environment, ...own, ...given };
}

function missingVariable(name: string): SamMilError {
  return new SamMilError('InvalidInput', `the worker has no environment variable ${name}`, {
    expected: 'every variable that `pass-env` names',
    next: `set ${name} in the environment of the worker, or remove it from \`pass-env\``,
  });
}

/** Shorter values, such as `0`, would be replaced all over the log. */
const SHORTEST_SECRET = 4;

/** Returns a function that replaces the values of `pass-env` in a line of output. */
export function secretMask(worker: NodeJS.ProcessEnv, pass: readonly string[]): (line: string) => string {
  const secrets = pass
    .flatMap((name) => (worker[name] ?? '').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  return (line) => secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line);
}
