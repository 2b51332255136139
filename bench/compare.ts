import { spawn } from 'node:child_process';
import { childEnvironment } from '../activities/child/environment.js';

interface Measured {
  name: string;
  unit: string;
  /** The command of our side. Its last line is JSON: `{"value": <number>, ...}`. */
  ours: readonly string[];
  /** The name of the figure in that line; default `value`. */
  figure?: string;
  rounds: number;
  /**
   * `process`: the value is 1 / seconds of the whole process, including start and imports, not what it
   * prints.
   */
  clock?: 'process';
  environment?: Record<string, string>;
}

/** Our side compared with a peer. More is better, unless `less`. */
export interface Contest extends Measured {
  /** The command of the peer's side. It prints the same kind of line. */
  peer: readonly string[];
  /** What the project promises: ours divided by the peer's. */
  bar: number;
  /** Less is better: the ratio is the peer's divided by ours. */
  less?: boolean;
}

/** A figure of our side that must stay below a limit (memory, share of time). Less is better. */
export interface Limit extends Measured {
  atMost: number;
}

/**
 * Runs our side and the peer's side in turn (A B A B ...) as fresh processes, so that a drift of the
 * machine's speed affects both. Returns one line: the medians, and the median of the ratios round by round.
 */
export async function compare(contest: Contest): Promise<string> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < contest.rounds; round++) {
    ours.push(await measure(contest.ours, contest, surroundingsOf(contest.ours)));
    peer.push(await measure(contest.peer, contest, surroundingsOf(contest.peer)));
  }
  const ratios = ours.map((value, round) => (contest.less ? peer[round] / value : value / peer[round]));
  const ratio = median(ratios);
  const verdict = ratio >= contest.bar ? 'meets' : 'MISSES';
  return columns(
    contest.name,
    `ours ${formatNumber(median(ours))} ${contest.unit}`,
    `peer ${formatNumber(median(peer))} ${contest.unit}`,
    `ratio ${ratio.toFixed(2)} (${verdict} ${contest.bar.toFixed(2)})`,
  );
}

/** Compares the worst of all rounds of our side with its limit. Returns one line. */
export async function keepBelow(limit: Limit): Promise<string> {
  const values: number[] = [];
  for (let round = 0; round < limit.rounds; round++)
    values.push(await measure(limit.ours, limit, surroundingsOf(limit.ours)));
  const worst = Math.max(...values);
  const verdict = worst <= limit.atMost ? 'meets' : 'MISSES';
  const measured = `ours ${formatNumber(worst)} ${limit.unit}`;
  return columns(limit.name, measured, '', `${verdict} limit ${limit.atMost} ${limit.unit}`);
}

/** Our code runs as in a worker's child process; other code as its users run it. */
function surroundingsOf([program]: readonly string[]): NodeJS.ProcessEnv {
  return program === process.execPath ? childEnvironment() : process.env;
}

function columns(name: string, ours: string, peer: string, verdict: string): string {
  return [name.padEnd(44), ours.padEnd(26), peer.padEnd(26), verdict].join('  ');
}

function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function measure(
  command: readonly string[],
  { figure = 'value', environment = {}, clock }: Pick<Measured, 'figure' | 'environment' | 'clock'>,
  surroundings: NodeJS.ProcessEnv,
): Promise<number> {
  const start = performance.now();
  const output = await capture(command, { ...surroundings, ...environment });
  if (clock === 'process') return 1000 / (performance.now() - start);
  const line = output.trim().split('\n').at(-1) ?? '';
  const value = (JSON.parse(line) as Record<string, unknown>)[figure];
  if (typeof value === 'number') return value;
  throw new Error(`${command.join(' ')} printed no number "${figure}": ${line}`);
}

function capture(command: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command.join(' ')} exited with code ${code}`));
    });
  });
}
