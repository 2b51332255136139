/**
 * `npm run fuzz -- [PARSER ...] [SECONDS] [--count N] [--seed N]`: gives damaged and hostile files to every
 * parser of the product, or to those named: N to each, or as many as fit into the seconds, which they share
 * evenly. The same seed gives the same files. Exit code 1 if one crashes, hangs, fails with an error of its
 * own, or accepts a file that is wrong; those files are kept. Exit code 2 for an unknown name.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findOpenSlideLibrary } from '../../../domain/machine/fetch-openslide.js';
import { fuzz, type Tally } from './fuzz.js';
import { KINDS } from './kinds.js';
import { ReaderChild } from './reader-child.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const seconds = positionals.map(Number).find((value) => value > 0);
const names = positionals.filter((word) => !(Number(word) > 0));
const unknown = names.filter((name) => !Object.hasOwn(KINDS, name));
if (values.help) {
  console.log('usage: npm run fuzz -- [PARSER ...] [SECONDS] [--count N] [--seed N]');
  console.log(`parsers: ${Object.keys(KINDS).join(', ')}`);
} else if (unknown.length > 0) {
  console.error(`no parser is called ${unknown.join(', ')}; there are ${Object.keys(KINDS).join(', ')}`);
  process.exitCode = 2;
} else {
  await run(names.length > 0 ? names : Object.keys(KINDS));
}

async function run(kinds: readonly string[]): Promise<void> {
  await findOpenSlideLibrary();
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-fuzz-'));
  const child = new ReaderChild();
  console.log(line(['parser', 'accepted', 'refused', 'error', 'crash', 'hang', 'MB', 's']));
  let faults = 0;
  for (const kind of kinds) {
    const limit =
      seconds === undefined ? { count: Number(values.count) } : { seconds: seconds / kinds.length };
    const options = { kind, folder, child, seed: Number(values.seed), ...limit };
    const tally = await fuzz(options);
    faults += tally.faults.length;
    report(tally);
  }
  child.close();
  if (faults === 0) rmSync(folder, { recursive: true, force: true });
  else console.log(`${faults} faults; the files are in ${folder}`);
  process.exitCode = faults === 0 ? 0 : 1;
}

function report({ kind, counts, megabytes, seconds, faults }: Tally): void {
  const { accepted, refused, 'other-error': other, crash, hang } = counts;
  console.log(line([kind, accepted, refused, other, crash, hang, megabytes, seconds.toFixed(1)]));
  for (const { path, outcome, message } of faults) {
    console.log(`  ${path}: ${outcome}\n    ${message.replaceAll('\n', '\n    ')}`);
  }
}

function line([kind, ...cells]: readonly (string | number)[]): string {
  return `${String(kind).padEnd(20)}${cells.map((cell) => String(cell).padStart(9)).join('')}`;
}
