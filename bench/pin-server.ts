/**
 * Builds the embedded server for every platform and writes the digests that its builds are compared with
 * (client/server/temporal/pins.json). To be run after each change of its sources; takes minutes per platform.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchGo } from '../client/server/go-toolchain.js';
import { buildTemporalServer, programPath } from '../client/server/temporal-build.js';
import { pinsPath, readTemporalSources, SOURCES_FOLDER } from '../client/server/temporal-sources.js';
import { digestOfFile } from '../domain/digest.js';

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

const sources = await readTemporalSources();
const scratch = mkdtempSync(join(tmpdir(), 'sam-mil-pin-'));
try {
  const toolchain = await fetchGo(join(scratch, 'go'));
  const binaries: Record<string, string> = {};
  for (const platform of PLATFORMS) {
    const folder = join(scratch, platform);
    const log = (line: string) => console.log(`${platform}: ${line}`);
    await buildTemporalServer(sources, folder, { log, platform, toolchain });
    binaries[platform] = await digestOfFile(programPath(folder));
  }
  writeFileSync(pinsPath(SOURCES_FOLDER), `${JSON.stringify({ sources: sources.key, binaries }, null, 2)}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
