import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfJson } from '../../domain/digest.js';
import { SamMilError } from '../../domain/errors.js';
import { packageRoot } from '../../domain/package-root.js';
import { GO_VERSION } from './go-toolchain.js';

/** Arguments of `go`, which decide about the binary as much as the sources do. */
export const BUILD_ARGUMENTS = ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w'];

export const SOURCES_FOLDER = join(packageRoot(), 'client', 'server', 'temporal');

/** The Go program of the embedded server. */
export interface TemporalSources {
  /** By name: the Go files, go.mod with the versions of all modules, and go.sum with their digests. */
  files: ReadonlyMap<string, string>;
  /** Digest of all that decides about the binary, on one platform. */
  key: string;
  /** Digests of the binary by platform, if they are known for this key. */
  pins: Readonly<Record<string, string>>;
}

/** @throws SamMilError InvalidInput without go.sum: what is built would then be decided by the network */
export async function readTemporalSources(folder = SOURCES_FOLDER): Promise<TemporalSources> {
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith('.go') || /^go\.(mod|sum)$/.test(name),
  );
  if (!names.includes('go.sum')) {
    throw new SamMilError('InvalidInput', 'the digests of the Go modules are missing, so nothing is built', {
      file: join(folder, 'go.sum'),
      next: 'install sam-mil again',
    });
  }
  const texts = names.sort().map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const);
  const files = new Map(await Promise.all(texts));
  const key = digestOfJson({ files: [...files], go: GO_VERSION, arguments: BUILD_ARGUMENTS });
  return { files, key, pins: await readPins(folder, key) };
}

/** Pins of other sources say nothing about these. */
async function readPins(folder: string, key: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(pinsPath(folder), 'utf8').catch(() => '{}');
  const { sources, binaries = {} } = JSON.parse(text) as {
    sources?: string;
    binaries?: Record<string, string>;
  };
  return sources === key ? binaries : {};
}

/** Written by bench/pin-server.ts: digest of the sources, and of the binary for each platform. */
export function pinsPath(folder: string): string {
  return join(folder, 'pins.json');
}
