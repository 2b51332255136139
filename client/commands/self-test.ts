import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../../domain/package-root.js';
import { EXIT, Exit, invalid } from '../command-line/errors.js';
import { SERVER, setUpNatives, STEP_PARTS } from '../set-up/set-up-natives.js';

const RUNNER = join(packageRoot(), 'dist', 'test', 'run.js');

export function createCommand(): Command {
  return new Command('self-test')
    .description('Set up what the tests need, then run them (same as `npm test`)')
    .argument('[patterns...]', 'run only test files whose path contains one of these')
    .action(selfTest);
}

async function selfTest(patterns: string[]): Promise<void> {
  if (!existsSync(RUNNER))
    throw invalid('the installed package contains no tests', 'run `npm test` in a clone');
  await setUpNatives([SERVER, ...STEP_PARTS], (line) => console.error(`  ${line}`));
  const child = spawn(process.execPath, [RUNNER, ...patterns], { stdio: 'inherit' });
  const code = await new Promise<number>((done) => {
    child.on('error', () => done(EXIT.failed));
    child.on('close', (status) => done(status ?? EXIT.failed));
  });
  if (code !== 0) throw new Exit(code);
}
