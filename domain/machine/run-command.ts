import { spawn } from 'node:child_process';
import { redactUrls } from './http/redact-url.js';
import { lastLineOf } from '../last-line.js';

export interface CommandResult {
  /** Exit code; null when the program could not be started or was killed. */
  code: number | null;
  stdout: string;
  /** Without the secrets of URLs, because it becomes part of messages. */
  stderr: string;
}

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the program is killed. It is then no longer waited for. */
  timeout?: number;
  /** Called with each line of the program's output as it arrives. */
  onLine?: (line: string) => void;
}

const KEPT_CHARACTERS = 1 << 20;
/** How long a program may take to end after SIGTERM. */
const END_MS = 500;

/**
 * Runs a program without a shell and collects its output (the last mebibyte of each stream). Never throws:
 * for a program that does not exist, the code is null and `stderr` holds the system's message. The program
 * runs in the caller's process group.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // spawn's own timeout keeps running, and keeps this process alive, even if the program could not be
    // started.
    const timer = options.timeout === undefined ? undefined : setTimeout(() => giveUp(), options.timeout);
    const result: CommandResult = { code: null, stdout: '', stderr: '' };
    const collect = (stream: 'stdout' | 'stderr') => {
      let partial = '';
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        result[stream] = (result[stream] + text).slice(-KEPT_CHARACTERS);
        if (options.onLine === undefined) return;
        const lines = (partial + text).split(/\r?\n|\r/);
        partial = lines.pop() ?? '';
        lines.forEach(options.onLine);
      });
    };
    collect('stdout');
    collect('stderr');
    // A program that waits for a device cannot be killed, and one that it started may keep its output open.
    const giveUp = () => {
      child.kill('SIGTERM');
      result.stderr += `it did not end within ${(options.timeout ?? 0) / 1000} s`;
      setTimeout(() => {
        child.kill('SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
        child.unref();
        done({ ...result, stderr: redactUrls(result.stderr), code: null });
      }, END_MS);
    };
    child.on('error', (error) => {
      clearTimeout(timer);
      result.stderr += error.message;
      done({ ...result, code: null });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ ...result, stderr: redactUrls(result.stderr), code });
    });
  });
}

/** The last non-empty line of a program's output, for one-line messages. */
export function lastLine(result: CommandResult): string {
  const line = lastLineOf(`${result.stdout}\n${result.stderr}`);
  return redactUrls(line ?? `no output, exit code ${result.code}`);
}
