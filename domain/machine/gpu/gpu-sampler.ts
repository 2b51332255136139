import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Gpu, GpuUse } from './gpu.js';
import { bytesIn, CSV, csvCells, numberIn } from './nvidia-smi.js';

const EVERY_MS = 2000;

/**
 * Measures with nvidia-smi while steps run: one process of it reports on the GPUs, another on the processes
 * on them. Both end with the last watch. If the program is missing or hangs, nothing is measured.
 */
export class GpuSampler {
  private readonly watches = new Set<GpuWatch>();
  private loops: ChildProcess[] = [];
  private readonly onExit = () => this.close();
  private readonly everyMs: number;

  constructor(everyMs = EVERY_MS) {
    this.everyMs = everyMs;
  }

  /** Measures until {@link GpuWatch.end}. */
  watch(gpu: Gpu): GpuWatch {
    const watch = new GpuWatch(gpu, (ended) => {
      this.watches.delete(ended);
      if (this.watches.size === 0) this.close();
    });
    this.watches.add(watch);
    if (this.loops.length === 0) this.start();
    return watch;
  }

  get pids(): number[] {
    return this.loops.flatMap(({ pid }) => pid ?? []);
  }

  close(): void {
    process.off('exit', this.onExit);
    for (const { pid, exitCode, signalCode } of this.loops.splice(0)) {
      if (pid === undefined || exitCode !== null || signalCode !== null) continue;
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  }

  private start(): void {
    process.once('exit', this.onExit);
    this.loops = [
      this.loop('--query-gpu=index,uuid,utilization.gpu,memory.used', (cells) => {
        for (const watch of this.watches) watch.sampleGpu(cells);
      }),
      this.loop('--query-compute-apps=pid,used_gpu_memory', ([pid, memory]) => {
        const [number, bytes] = [numberIn(pid), bytesIn(memory)];
        if (number === undefined || bytes === undefined) return;
        for (const watch of this.watches) watch.sampleProcess(number, bytes);
      }),
    ];
  }

  /** If the worker is killed, the process ends when it writes its next line. */
  private loop(query: string, onLine: (cells: string[]) => void): ChildProcess {
    const child = spawn('nvidia-smi', [query, CSV, '-lms', String(this.everyMs)], {
      // A separate group, so that Ctrl-C does not end it while the steps save their progress.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // The program is missing: nothing is measured.
    child.on('error', () => undefined);
    child.unref();
    createInterface(child.stdout).on('line', (line) => onLine(csvCells(line)));
    return child;
  }
}

/** The measurements of one step. */
export class GpuWatch {
  readonly gpu: Gpu;
  /** Leader of the process group of the step. */
  pid: number | undefined;
  private readonly onEnd: (watch: GpuWatch) => void;
  private readonly processes = new Map<number, number>();
  private readonly utilizations: number[] = [];
  private memory: number | undefined;
  private inUse: number | undefined;

  constructor(gpu: Gpu, onEnd: (watch: GpuWatch) => void) {
    this.gpu = gpu;
    this.onEnd = onEnd;
  }

  get use(): GpuUse {
    const { index, uuid, name } = this.gpu;
    const { memory, inUse, utilizations } = this;
    const sum = utilizations.reduce((total, one) => total + one, 0);
    return {
      index,
      ...(uuid !== undefined && { uuid }),
      name,
      ...(memory !== undefined && { memory }),
      ...(inUse !== undefined && { inUse }),
      ...(utilizations.length > 0 && { utilization: Math.round(sum / utilizations.length) }),
    };
  }

  end(): void {
    this.onEnd(this);
  }

  sampleGpu([index, uuid, utilization, memory]: string[]): void {
    if (this.gpu.uuid === undefined ? index !== this.gpu.index : uuid !== this.gpu.uuid) return;
    const [percent, bytes] = [numberIn(utilization), bytesIn(memory)];
    if (percent !== undefined) this.utilizations.push(percent);
    if (bytes !== undefined) this.inUse = Math.max(bytes, this.inUse ?? 0);
  }

  /** In a container, nvidia-smi may list processes by the numbers that they have on the host: none match. */
  sampleProcess(pid: number, bytes: number): void {
    if (this.pid === undefined || groupOf(pid) !== this.pid) return;
    this.processes.set(pid, bytes);
    for (const known of this.processes.keys()) {
      if (groupOf(known) !== this.pid) this.processes.delete(known);
    }
    const sum = [...this.processes.values()].reduce((total, one) => total + one, 0);
    this.memory = Math.max(sum, this.memory ?? 0);
  }
}

/** The process group of a process, or the process itself where the system does not tell. */
function groupOf(pid: number): number | undefined {
  if (process.platform !== 'linux') return pid;
  try {
    // The name of the program, in parentheses, may contain spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}
