/**
 * The project's test runner: `npm test [-- PATTERN ...]`. Runs every compiled `*.test.js`, or those whose
 * path holds one of the patterns, each in a process of its own, and prints node:test's own report and
 * summary. Exit code 1 if one failed, 2 if no file matches.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { longestFirst } from './support/test-order.js';

const folder = dirname(fileURLToPath(import.meta.url));

export function findTests(patterns: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .filter((name) => patterns.length === 0 || patterns.some((pattern) => asSource(name).includes(pattern)))
    .map((name) => join(folder, name));
}

/** Patterns are written as people see the files: `test/client/cli.test.ts`. */
function asSource(name: string): string {
  return join('test', name).replaceAll('\\', '/').replace(/\.js$/, '.ts');
}

/**
 * Tests with servers wait for about half of their time, so that three files at a time use two cores well.
 * More cores get half as many files, because some tests use several cores.
 */
function runTests(files: string[]): void {
  const concurrency = Math.max(3, Math.floor(availableParallelism() / 2));
  const stream = run({ files: longestFirst(files), concurrency });
  stream.on('test:fail', (event) => {
    const expected = event.todo !== undefined && event.todo !== false;
    if (!expected) process.exitCode = 1;
  });
  stream.pipe(new spec()).pipe(process.stdout);
}

const patterns = process.argv.slice(2);
const files = findTests(patterns);
if (files.length === 0) {
  console.error(
    `no test file matches ${patterns.join(', ')}; files lie in ${relative(process.cwd(), folder)}`,
  );
  process.exitCode = 2;
} else {
  runTests(files);
}
