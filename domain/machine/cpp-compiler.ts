import { join } from 'node:path';
import { nativeCacheFolder, platformKey, type SetUpLog } from './cache-folder.js';
import { runCommand } from './run-command.js';
import { fetchWheel } from './wheel.js';

export interface CppCompiler {
  /** Display name: `g++`, `zig c++ 0.17.1`. */
  name: string;
  program: string;
  /** Arguments that precede the caller's. */
  args: string[];
  env?: NodeJS.ProcessEnv;
}

const ZIG_VERSION = '0.17.1';

const ZIG_TARGETS: Readonly<Record<string, string>> = {
  'linux-x64': 'x86_64-linux-gnu.2.28',
  'linux-arm64': 'aarch64-linux-gnu.2.28',
};

/**
 * A C++17 compiler: `CXX`, else g++, else clang++ on PATH, else Zig's compiler from a wheel (101 MB,
 * downloaded once).
 *
 * @throws SamMilError `Unavailable` or `UnsupportedFormat` where none is installed and Zig cannot be
 *   downloaded
 */
export async function findCppCompiler(log: SetUpLog): Promise<CppCompiler> {
  const { CXX } = process.env;
  for (const program of [CXX, 'g++', 'clang++']) {
    if (program && (await runCommand(program, ['--version'])).code === 0)
      return { name: program, program, args: [] };
  }
  return zigCompiler(log);
}

/** Zig's C++ compiler, regardless of what else is installed. */
export async function zigCompiler(log: SetUpLog): Promise<CppCompiler> {
  const folder = join(nativeCacheFolder(), 'zig', `${ZIG_VERSION}-${platformKey()}`);
  log(`C++ compiler: none on PATH, downloading Zig ${ZIG_VERSION} (101 MB, once)`);
  await fetchWheel({
    package: 'ziglang',
    version: ZIG_VERSION,
    files: {
      'linux-x64': {
        platform: 'manylinux_2_12_x86_64',
        sha256: 'ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54',
      },
      'linux-arm64': {
        platform: 'manylinux_2_17_aarch64',
        sha256: 'b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e',
      },
    },
    select: (name) => /^ziglang\/(.*)$/.exec(name)?.[1],
    executable: (path) => path === 'zig',
    into: folder,
    durable: false,
    log,
  });
  return {
    name: `zig c++ ${ZIG_VERSION}`,
    program: join(folder, 'zig'),
    args: ['c++', '-target', ZIG_TARGETS[platformKey()]],
    env: { ...process.env, ZIG_GLOBAL_CACHE_DIR: join(nativeCacheFolder(), 'zig', 'build-cache') },
  };
}
