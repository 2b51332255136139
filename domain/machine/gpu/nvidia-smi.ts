import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type CommandResult } from '../run-command.js';
import type { Gpu } from './gpu.js';

/** Options of nvidia-smi for output that {@link csvCells} reads. */
export const CSV = '--format=csv,noheader,nounits';

/** A driver in trouble can keep nvidia-smi waiting forever. Without its persistence mode it takes seconds. */
const LONGEST_MS = 20_000;
const MEBIBYTE = 2 ** 20;

export interface GpuList {
  gpus: Gpu[];
  /** Why there are none, or why some may be missing. Absent on a machine without an NVIDIA driver. */
  problem?: string;
}

interface Places {
  /** Where the driver describes its GPUs. */
  driver: string;
  devices: string;
}

const PLACES: Places = { driver: '/proc/driver/nvidia/gpus', devices: '/dev' };

/**
 * Lists the GPUs of this machine as nvidia-smi does; where that program is missing, as in many containers, as
 * the driver does. A GPU that is divided is replaced by its MIG instances. Never throws.
 */
export async function listGpus(timeout = LONGEST_MS, places = PLACES): Promise<GpuList> {
  const fields = '--query-gpu=index,uuid,name,memory.total,driver_version';
  const result = await runCommand('nvidia-smi', [fields, CSV], { timeout });
  if (isMissing(result)) return { gpus: await withoutProgram(places) };
  const lines = result.stdout.split('\n').map((line) => line.trim());
  const whole = lines.flatMap(readGpu);
  // One broken GPU makes nvidia-smi fail, although it lists the others.
  const problem = result.code === 0 ? undefined : complaint(result, lines);
  const gpus = whole.length === 0 ? [] : await divide(whole, timeout);
  return { gpus, ...(problem !== undefined && { problem }) };
}

function isMissing({ code, stderr }: CommandResult): boolean {
  return code === null && stderr.includes('ENOENT');
}

function complaint({ stderr, code }: CommandResult, lines: readonly string[]): string {
  const said = [...lines, ...stderr.split('\n')].find((line) => line.trim() !== '' && !isRow(line));
  return `nvidia-smi: ${said?.trim() ?? `exit code ${code}`}`;
}

function isRow(line: string): boolean {
  return /^\d+, /.test(line);
}

function readGpu(line: string): Gpu[] {
  if (!isRow(line)) return [];
  const [index, uuid, name, memory, driver] = csvCells(line);
  const bytes = bytesIn(memory);
  return [
    {
      index,
      ...(uuid?.startsWith('GPU-') && { uuid }),
      name: textIn(name) ?? 'NVIDIA GPU',
      ...(bytes !== undefined && { memory: bytes }),
      ...(textIn(driver) !== undefined && { driver }),
    },
  ];
}

/** `nvidia-smi -L` is the only list that has MIG instances, each on a line below its GPU. */
async function divide(gpus: readonly Gpu[], timeout: number): Promise<Gpu[]> {
  const { stdout } = await runCommand('nvidia-smi', ['-L'], { timeout });
  const instances: Gpu[] = [];
  let owner: Gpu | undefined;
  for (const line of stdout.split('\n')) {
    const [, index] = /^GPU (\d+):/.exec(line) ?? [];
    if (index !== undefined) owner = gpus.find((gpu) => gpu.index === index);
    const [, profile, device, uuid] =
      /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)\s]+)\)/.exec(line) ?? [];
    if (uuid === undefined || owner === undefined) continue;
    const { index: of, uuid: parent, name, driver } = owner;
    instances.push({
      index: `${of}:${device}`,
      uuid,
      ...(parent !== undefined && { parent }),
      name: `${name} MIG ${profile}`,
      ...(driver !== undefined && { driver }),
    });
  }
  const partsOf = ({ index }: Gpu) => instances.filter((part) => part.index.startsWith(`${index}:`));
  return gpus.flatMap((gpu) => (partsOf(gpu).length > 0 ? partsOf(gpu) : [gpu]));
}

/** The driver's folders are named after PCI addresses, whose order is that of nvidia-smi. */
async function withoutProgram({ driver, devices }: Places): Promise<Gpu[]> {
  const addresses = (await readdir(driver).catch(() => [])).sort();
  const described = await Promise.all(
    addresses.map((address) => readFile(join(driver, address, 'information'), 'utf8').catch(() => '')),
  );
  if (described.length > 0) return described.map(readDescription);
  const files = (await readdir(devices).catch(() => [])).filter((name) => /^nvidia\d+$/.test(name));
  return files.map((_, index) => ({ index: String(index), name: 'NVIDIA GPU' }));
}

function readDescription(text: string, index: number): Gpu {
  const name = /^Model:\s*(.+)$/m.exec(text)?.[1].trim();
  // It consists of question marks until the GPU has been used for the first time.
  const uuid = /^GPU UUID:\s*(GPU-[0-9a-f-]+)\s*$/m.exec(text)?.[1];
  return { index: String(index), ...(uuid !== undefined && { uuid }), name: name ?? 'NVIDIA GPU' };
}

export function csvCells(line: string): string[] {
  return line.split(',').map((cell) => cell.trim());
}

/** nvidia-smi writes what it does not know as `[N/A]`, `[Not Supported]` or `[Unknown Error]`. */
function textIn(cell: string | undefined): string | undefined {
  return cell === undefined || cell === '' || /^\[.*\]$|^N\/A$/.test(cell) ? undefined : cell;
}

export function numberIn(cell: string | undefined): number | undefined {
  return cell !== undefined && /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : undefined;
}

export function bytesIn(cell: string | undefined): number | undefined {
  const mebibytes = numberIn(cell);
  return mebibytes === undefined ? undefined : mebibytes * MEBIBYTE;
}
