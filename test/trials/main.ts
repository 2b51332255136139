/**
 * `npm run trials [-- NAME ...] [--seed N] [--quick] [--list]`: disturbs the product as accidents, other
 * accounts and web pages do, and checks that it keeps its promises. Exit code 1 if a trial shows a fault, 2
 * for an unknown name.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Reference } from './support/reference.js';
import { runTrial, type Outcome } from './support/run-trial.js';
import { endMarked, type Session } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { TRIALS } from './trials.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const chosen = choose(positionals, values.quick);
if (chosen === undefined) process.exitCode = 2;
else if (values.list) chosen.forEach((trial) => console.log(`${trial.name.padEnd(16)} ${trial.title}`));
else await runAll(chosen, Number(values.seed));

function choose(names: readonly string[], quick: boolean): Trial[] | undefined {
  const unknown = names.filter((name) => !TRIALS.some((trial) => trial.name === name));
  if (unknown.length > 0) {
    console.error(`no trial is called ${unknown.join(', ')}; \`npm run trials -- --list\` lists them`);
    return undefined;
  }
  return TRIALS.filter(
    (trial) => (names.length === 0 || names.includes(trial.name)) && (!quick || trial.quick),
  );
}

async function runAll(trials: readonly Trial[], seed: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-trials-'));
  const mark = basename(folder);
  const reference = new Reference(folder, mark);
  const started = Date.now();
  const say = (line: string) =>
    console.log(`  ${((Date.now() - started) / 1000).toFixed(1).padStart(7)}  ${line}`);
  const session: Session = { folder, mark, seed, reference, open: new Set(), say };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void abandon(session).finally(() => process.exit(130)));
  }
  const outcomes: Outcome[] = [];
  for (const trial of trials) {
    console.log(`\n${trial.name}: ${trial.title}`);
    outcomes.push(await runTrial(trial, session));
  }
  await endMarked(mark);
  console.log(`\n${table(outcomes, seed)}`);
  if (outcomes.some(({ verdict }) => verdict === 'fault')) process.exitCode = 1;
  else rmSync(folder, { recursive: true, force: true });
}

async function abandon({ open, mark }: Session): Promise<void> {
  for (const scene of open) await scene.close();
  await endMarked(mark);
}

function table(outcomes: readonly Outcome[], seed: number): string {
  const rows = outcomes.map(({ name, verdict, seconds, counts, faults, reason, folder }) => {
    const did = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    const line = `${name.padEnd(16)} ${verdict.padEnd(8)} ${`${seconds} s`.padStart(6)}  ${reason ?? did.join(', ')}`;
    const kept = folder === undefined ? [] : [`files are kept in ${folder}`];
    return [line, ...[...faults, ...kept].map((fault) => `${' '.repeat(18)}${fault}`)].join('\n');
  });
  return [`seed ${seed}`, ...rows].join('\n');
}
