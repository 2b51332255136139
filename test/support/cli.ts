import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkout } from './fixtures.js';
import { lastLineOf } from '../../domain/last-line.js';

export const PROGRAM = fileURLToPath(new URL('../../client/main.js', import.meta.url));
export const TOY_PLUGIN = join(checkout, 'test', 'fixtures', 'plugins', 'toy.mjs');

export interface CliOutcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A running `sam-mil` process. */
export interface Cli {
  child: ChildProcess;
  ended: Promise<CliOutcome>;
  /** What it has printed so far. */
  output(): string;
  /** Resolves when the output holds the text; rejects if the process ends before, or after two minutes. */
  says(text: string | RegExp): Promise<void>;
}

const running = new Set<ChildProcess>();

// Trials use this module outside the test runner, where there is nothing to register a hook with. A test that
// fails before it ends its process must not keep the test file from ending.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  after(() => {
    // Hooks of the test file come later and may want an orderly end.
    const kill = () => running.forEach((child) => child.kill('SIGKILL'));
    setTimeout(kill, 30_000).unref();
  });
}

/** {@link launchCli} in a test: a process that outlives the tests is killed. */
export function startCli(folder: string, ...args: string[]): Cli {
  const cli = launchCli(folder, args);
  running.add(cli.child);
  cli.child.on('close', () => running.delete(cli.child));
  return cli;
}

/** How a process is started if not as usual. */
export interface Launch {
  /** Overrides of the environment. */
  environment?: NodeJS.ProcessEnv;
  /** A command that runs the command line, such as `ip netns exec NAME`. */
  prefix?: readonly string[];
}

/**
 * Runs the command line as a real process, in a folder that also has its state, without a server in the
 * environment.
 */
export function launchCli(folder: string, args: readonly string[], launch: Launch = {}): Cli {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    SAM_MIL_STATE: join(folder, 'state'),
    NO_COLOR: '1',
    // The configuration of the user who runs the tests must not name a server.
    TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
    ...launch.environment,
  };
  for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_NAMESPACE', 'FORCE_COLOR']) {
    delete environment[name];
  }
  const [program, ...all] = [...(launch.prefix ?? []), process.execPath, PROGRAM, ...args];
  const child = spawn(program, all, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const outcome: CliOutcome = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
  const ended = new Promise<CliOutcome>((done) => child.on('close', (code) => done({ ...outcome, code })));
  const output = () => outcome.stdout + outcome.stderr;
  const heard = (text: string | RegExp) => {
    const all = output();
    return typeof text === 'string' ? all.includes(text) : text.test(all);
  };
  const says = (text: string | RegExp) =>
    new Promise<void>((done, fail) => {
      const missing = (how: string) => fail(new Error(`${how} without saying ${String(text)}:\n${output()}`));
      const timer = setTimeout(() => missing('two minutes passed'), 120_000);
      const look = () => {
        if (!heard(text)) return;
        clearTimeout(timer);
        done();
      };
      look();
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.on('close', () => {
        clearTimeout(timer);
        missing('ended');
      });
    });
  return { child, ended, output, says };
}

export function runCli(folder: string, ...args: string[]): Promise<CliOutcome> {
  return startCli(folder, ...args).ended;
}

/** Last line of a `--json` command's output. */
export function lastObject(outcome: Pick<CliOutcome, 'stdout'>): Record<string, unknown> {
  const line = lastLineOf(outcome.stdout) ?? '';
  return JSON.parse(line) as Record<string, unknown>;
}

/**
 * While this file exists, the texts of {@link writeToyPipeline} wait, so that a test can observe a running
 * run.
 */
export function gateOf(folder: string, name = 'toy'): string {
  return join(folder, `${name}.gate`);
}

/**
 * A pipeline of two stages on the toy plugin: some texts, then their count. `steps` are tenths of a second
 * per item.
 */
export function writeToyPipeline(folder: string, name = 'toy', stopFile = join(folder, 'stop')): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `pipeline: 1
name: ${name}
params:
  steps: { type: integer, default: 1 }
defaults:
  retry: { max-attempts: 1 }
stages:
  make:
    foreach: { list: [{ name: a }, { name: b }, { name: c }], as: word }
    max-parallel: 2
    uses: toy.make
    with:
      text: "\${{ word.name }}"
      steps: "\${{ params.steps }}"
      stop-file: ${stopFile}
      gate-file: ${gateOf(folder, name)}
  count:
    uses: toy.count
    needs: make
    with: { items: "\${{ needs.make.items }}" }
`,
  );
  return file;
}
