import { execFileSync, spawnSync } from 'node:child_process';

/** A Python with the required packages, or why tests that need one are skipped. */
export interface FoundPython {
  /** Reason for node:test's `skip`; false if there is a Python. */
  skip: string | false;
  /**
   * Runs a program (its arguments in `sys.argv[1:]`) with warnings as errors; returns what it prints. @throws
   * with its stderr where it fails
   */
  run(program: string, ...args: string[]): string;
}

/** Looks at `$SAM_MIL_PYTHON`, then `python3` on PATH, for one that can import all `modules`. */
export function findPython(modules: readonly string[]): FoundPython {
  const candidates = [process.env.SAM_MIL_PYTHON, 'python3'].filter(
    (name) => name !== undefined && name !== '',
  );
  for (const python of candidates as string[]) {
    // Locating a package is much faster than importing it.
    const program = `import sys, importlib.util as u; sys.exit(not all(u.find_spec(m) for m in sys.argv[1:]))`;
    const { status } = spawnSync(python, ['-c', program, ...modules], { timeout: 60_000 });
    if (status === 0) {
      return {
        skip: false,
        run: (program, ...args) =>
          execFileSync(python, ['-W', 'error', '-c', program, ...args], { encoding: 'utf8' }),
      };
    }
  }
  return {
    skip: `no Python with ${modules.join(', ')} (set SAM_MIL_PYTHON); golden files are checked instead`,
    run: () => {
      throw new Error('there is no such Python');
    },
  };
}
