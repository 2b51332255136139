/**
 * Tissue and patches of a slide of SIDE x SIDE pixels, whose file is written to a temporary folder. The
 * implementation of pathology.patch runs in a separate process. Prints its peak resident memory in MB and its
 * time in seconds. Arguments: side, levels below level 0 (0: a single level), `memory` or `time`.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../domain/pathology/patch/patch.js';
import { writeHugeSlide } from '../test/support/huge-slide.js';

interface Outcome {
  seconds: number;
  peakMegabytes: number;
  patches: unknown;
}

const [sideText, levelsText, what, child] = process.argv.slice(2);
if (child !== undefined) await work(child);
else await parent();

async function parent(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-huge-'));
  try {
    const path = join(folder, 'huge.tif');
    await writeHugeSlide(path, { side: Number(sideText), tile: 512, levels: Number(levelsText), mpp: 0.25 });
    const { seconds, peakMegabytes, patches } = await inChild(path);
    const value = what === 'time' ? seconds : peakMegabytes;
    console.log(JSON.stringify({ value, seconds, peakMegabytes, patches }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function inChild(path: string): Promise<Outcome> {
  const worker = fork(fileURLToPath(import.meta.url), [sideText, levelsText, what, path]);
  return new Promise((resolve, reject) => {
    worker.on('message', (outcome) => resolve(outcome as Outcome));
    worker.on('exit', (code, signal) => reject(new Error(`the child process exited with ${code ?? signal}`)));
  });
}

async function work(path: string): Promise<void> {
  const scratch = join(path, '..', 'scratch');
  mkdirSync(scratch);
  const start = performance.now();
  const { values } = await run({
    with: {
      slide: { path, digest: '', name: 'huge' },
      preset: 'bwh_resection',
      patchSize: 512,
      patchLevel: 0,
      customDownsample: 1,
      layout: 'clam',
      device: 'auto',
    },
    work: scratch,
    name: 'huge',
    scratch,
    checkpoint: scratch,
    signal: new AbortController().signal,
    progress: () => undefined,
    log: () => undefined,
  });
  const seconds = (performance.now() - start) / 1000;
  process.send?.({ seconds, peakMegabytes: peak(), patches: values?.count } satisfies Outcome);
  process.disconnect();
}

/** Linux records the highest resident memory of a process. Elsewhere Node asks the system for it (in KB). */
function peak(): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (line) return Number(line[1]) / 1024;
  } catch {
    // No /proc on this system.
  }
  return process.resourceUsage().maxRSS / 1024;
}
