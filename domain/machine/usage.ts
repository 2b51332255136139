import { readFileSync, writeFileSync } from 'node:fs';

/** What a job used of its machine. For display only: no output and no cache key depends on it. */
export interface Usage {
  /**
   * Largest resident memory of the process in bytes. On Linux since {@link startUsage}; elsewhere since the
   * process started, which is an upper bound.
   */
  memory: number;
  /** Devices that networks ran on, such as `cuda`; `cpu` if none was noted. */
  devices: string[];
  /** Processor time in seconds, of all threads and of programs that have ended. */
  cpu: number;
}

const noted = new Set<string>();
let cpuBefore = 0;

/** Starts measuring a job. A process runs one job at a time. */
export function startUsage(): void {
  noted.clear();
  cpuBefore = cpuSeconds();
  try {
    // Linux resets the peak of the resident memory.
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Other systems cannot; the peak is then that of the whole process.
  }
}

/** Records a device that the current job computes on. */
export function noteDevice(device: string): void {
  noted.add(device);
}

export function readUsage(): Usage {
  return {
    memory: peakMemory(),
    devices: noted.size === 0 ? ['cpu'] : [...noted].sort(),
    cpu: Math.round((cpuSeconds() - cpuBefore) * 100) / 100,
  };
}

/** Clock ticks per second in the files of /proc, the same on all systems that Node runs on. */
const TICKS = 100;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1e6;
  try {
    // The name of the program, in parentheses, may contain spaces and parentheses.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return own + (Number(fields[13]) + Number(fields[14])) / TICKS;
  } catch {
    // Not Linux: programs are not counted.
    return own;
  }
}

function peakMemory(): number {
  try {
    // `maxRSS` of a forked process on Linux includes the memory of its parent.
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (peak !== null) return Number(peak[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
