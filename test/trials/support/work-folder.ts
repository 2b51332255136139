import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../domain/digest.js';
import { isJsonObject } from '../../../domain/json.js';
import { readEvents, type RunEvent } from '../../../domain/engine/store/run-events.js';
import { outputDigests } from '../../support/processes.js';
import type { Scene } from './scene.js';

/** The report's page states times and durations; its numbers are in `metrics.json` beside it. */
const VARYING = /^report\/report\.html$/;

/** Events of all runs of a work folder, sorted by time within a run. */
export async function eventsIn(work: string): Promise<RunEvent[]> {
  return (await Promise.all(runNames(work).map((run) => readEvents(work, run)))).flat();
}

/** Names of the runs in a work folder, oldest first. */
export function runNames(work: string): string[] {
  return namesIn(join(work, '.runs'))
    .filter((name) => existsSync(join(work, '.runs', name, 'plan.json')))
    .sort();
}

/** Paths of the output files, relative to the work folder, sorted. */
export function outputFiles(work: string): string[] {
  return Object.keys(outputDigests(work)).filter((path) => !VARYING.test(path));
}

/** Copies a work folder with all times and permissions. */
export function copyWork(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp: ${stderr}`);
}

/** Expects the outputs of an undisturbed run, byte by byte, and receipts that describe them. */
export async function expectSameOutputs(scene: Scene, work: string, ...values: string[]): Promise<void> {
  const [all, expected] = [outputDigests(work), outputDigests(await scene.reference.work(...values))];
  const names = [...new Set([...Object.keys(all), ...Object.keys(expected)])].filter((n) => !VARYING.test(n));
  const different = names.filter((name) => all[name] !== expected[name]);
  scene.expect(
    different.length === 0,
    `all ${names.length} outputs equal those of an undisturbed run`,
    listed(different.map((name) => `${name} ${describe(all[name], expected[name])}`)),
  );
  const wrong = wrongReceipts(work);
  scene.expect(wrong.length === 0, 'every receipt describes the files that exist', listed(wrong));
}

function describe(found: string | undefined, expected: string | undefined): string {
  if (found === undefined) return 'missing';
  return expected === undefined ? 'unexpected' : 'differs';
}

/** Files whose bytes differ from their receipt, and receipts that cannot be read. */
export function wrongReceipts(work: string): string[] {
  const folder = join(work, '.receipts');
  const names = namesIn(folder, true).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  return names.flatMap((name) => {
    const files = filesOf(join(folder, name));
    if (files === undefined) return [`${name} is unreadable`];
    return Object.entries(files).flatMap(([path, digest]) => {
      const absolute = join(work, path);
      if (!existsSync(absolute)) return [`${path} is missing`];
      return digestOf(readFileSync(absolute)) === digest ? [] : [`${path} differs`];
    });
  });
}

/** Digests by path of a receipt. */
function filesOf(receipt: string): Record<string, unknown> | undefined {
  try {
    const { files } = JSON.parse(readFileSync(receipt, 'utf8')) as { files: Record<string, unknown> };
    return Object.fromEntries(
      Object.entries(files).map(([path, file]) => [path, isJsonObject(file) ? file.digest : undefined]),
    );
  } catch {
    return undefined;
  }
}

/** Empty logs and a session file that ONNX Runtime's library leaves there however its process ends. */
const OF_ONNX_RUNTIME = /^(\.ses|mat-debug-\d+\.log)$/;

/** Expects that nothing temporary is left: no private folder, no half-written file, no temporary file. */
export function expectNoLeftovers(scene: Scene, work: string): void {
  const isFile = (name: string) => lstatSync(join(work, '.scratch', name)).isFile();
  const scratch = namesIn(join(work, '.scratch'), true).filter(isFile);
  const partial = namesIn(work, true).filter((name) => /\.(partial|new|tmp)$/.test(name));
  const temporary = namesIn(scene.temporary).filter((name) => !OF_ONNX_RUNTIME.test(name));
  const left = [...scratch.map((name) => `.scratch/${name}`), ...partial, ...temporary];
  scene.expect(left.length === 0, 'no temporary file is left', listed(left));
}

export function namesIn(folder: string, recursive = false): string[] {
  try {
    return readdirSync(folder, { recursive, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/** The first few, and how many more. */
export function listed(lines: readonly string[]): string {
  return lines.slice(0, 4).join('; ') + (lines.length > 4 ? `; and ${lines.length - 4} more` : '');
}
