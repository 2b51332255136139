import { spawn } from 'node:child_process';

/**
 * Runs our side and the peer's side in turn (A B A B ...) as fresh processes, so that a machine whose speed drifts hits both alike, and
 * prints the medians and the ratio. Each side prints one JSON line last: `{"value": <number>, ...}`; bigger is better.
 */
export interface Contest {
  name: string;
  unit: string;
  ours: readonly string[];
  peer: readonly string[];
  rounds: number;
  /** What the project promises: ours divided by the peer's. */
  bar: number;
  environment?: Record<string, string>;
}

export interface Result {
  name: string;
  unit: string;
  ours: number;
  peer: number;
  /** Median of the round-by-round ratios. */
  ratio: number;
  bar: number;
}

export async function compare(contest: Contest): Promise<Result> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < contest.rounds; round++) {
    ours.push(await measure(contest.ours, contest.environment));
    peer.push(await measure(contest.peer, contest.environment));
  }
  const ratio = median(ours.map((value, round) => value / peer[round]));
  return {
    name: contest.name,
    unit: contest.unit,
    ours: median(ours),
    peer: median(peer),
    ratio,
    bar: contest.bar,
  };
}

export function formatResult(result: Result): string {
  const verdict = result.ratio >= result.bar ? 'meets' : 'MISSES';
  const columns = [
    result.name.padEnd(34),
    `ours ${formatNumber(result.ours)} ${result.unit}`.padEnd(28),
    `peer ${formatNumber(result.peer)} ${result.unit}`.padEnd(28),
    `ratio ${result.ratio.toFixed(2)} (${verdict} ${result.bar.toFixed(2)})`,
  ];
  return columns.join('  ');
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
  environment: Record<string, string> = {},
): Promise<number> {
  const output = await capture(command, environment);
  const line = output.trim().split('\n').at(-1) ?? '';
  const { value } = JSON.parse(line) as { value: number };
  return value;
}

function capture(command: readonly string[], environment: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command.join(' ')} ended with ${code}`));
    });
  });
}
