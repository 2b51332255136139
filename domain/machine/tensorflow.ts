import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SamMilError } from '../errors.js';
import { nativeCacheFolder, platformKey, silent, type SetUpLog } from './cache-folder.js';
import { findCppCompiler, type CppCompiler } from './cpp-compiler.js';
import { withFileLock } from './file-lock.js';
import { installPackages, packagesFolder, pinnedVersion } from './npm-packages.js';
import { runCommand } from './run-command.js';
import {
  cudaRequests,
  TENSORFLOW_VERSION,
  tensorFlowRequest,
  TFJS_PACKAGE,
  selectVariant,
  type TensorFlowVariant,
} from './tensorflow-wheels.js';
import { fetchWheel } from './wheel.js';

const ADDON = join('lib', 'napi-v8', 'tfjs_binding.node');
const PROBE = fileURLToPath(new URL('./tensorflow-probe.js', import.meta.url));
const require = createRequire(import.meta.url);

export interface TensorFlowSetUp {
  tensorflow: string;
  tfjs: string;
  variant: TensorFlowVariant;
  /** The compiler that built the addon: `g++`, `zig c++ 0.17.1`. */
  compiler: string;
  /** Cache folder with `deps/` and `lib/`, to which the package is linked, and with the npm packages. */
  folder: string;
  /** Folder of the npm packages, inside `folder`. */
  packages: string;
  /**
   * Billions of floating-point operations per second in a 1024 x 1024 x 1024 matrix product, measured during
   * set-up.
   */
  gflops: number;
}

/**
 * Sets up TensorFlow for Node without the download host of its npm package: installs the package from npm,
 * takes libraries and headers from TensorFlow's own wheel, compiles the package's addon against them, and
 * stores everything in one folder of the cache. Later calls return immediately. Safe to call from several
 * processes at once.
 *
 * @throws SamMilError `Unavailable` where a part cannot be downloaded or compiled or the smoke test fails,
 *   `UnsupportedFormat` on a platform without a wheel
 */
export async function ensureTensorFlow(options: { log?: SetUpLog } = {}): Promise<TensorFlowSetUp> {
  const log = options.log ?? silent;
  const ready = locateTensorFlow();
  if (ready !== undefined) return ready;
  const folder = setUpFolder(selectVariant());
  return withFileLock(
    `${folder}.setting-up`,
    async () => locateTensorFlow() ?? (await setUp(folder, selectVariant(), log)),
    () => log('TensorFlow: another process is setting it up, waiting'),
  );
}

/** The existing set-up, or undefined where it is missing or incomplete. Downloads nothing. */
export function locateTensorFlow(): TensorFlowSetUp | undefined {
  const folder = setUpFolder(selectVariant());
  const record = join(folder, 'ready.json');
  const packages = packagesFolder('tensorflow', folder);
  if (![record, join(folder, ADDON), packages].every((path) => existsSync(path))) return undefined;
  const found = JSON.parse(readFileSync(record, 'utf8')) as Omit<TensorFlowSetUp, 'folder' | 'packages'>;
  return { ...found, folder, packages };
}

/**
 * Installs only the npm packages of TensorFlow.js, which the JavaScript backend needs on any platform.
 *
 * @returns their folder
 *
 * @throws SamMilError `Unavailable` where npm is missing or fails
 */
export async function ensureTensorFlowPackages(log: SetUpLog = silent): Promise<string> {
  const folder = setUpFolder(selectVariant());
  const into = packagesFolder('tensorflow', folder);
  // The package looks for the addon and libraries in its own folder. Relative links remain valid if the cache
  // moves.
  const prepare = async (partial: string) => {
    const root = join('node_modules', TFJS_PACKAGE);
    for (const name of ['deps', 'lib']) {
      await symlink(relative(join(into, root), join(folder, name)), join(partial, root, name));
    }
  };
  await installPackages({ set: 'tensorflow', into, log, prepare });
  return into;
}

function tfjsVersion(): string {
  return pinnedVersion('tensorflow', TFJS_PACKAGE);
}

function setUpFolder(variant: TensorFlowVariant): string {
  const key = `tf${TENSORFLOW_VERSION}-${variant}-tfjs${tfjsVersion()}-${platformKey()}`;
  return join(nativeCacheFolder(), 'tensorflow', key);
}

async function setUp(folder: string, variant: TensorFlowVariant, log: SetUpLog): Promise<TensorFlowSetUp> {
  const timed = timer(log);
  const size =
    variant === 'gpu' ? 'with CUDA 12, downloads 3.1 GB, keeps 4.4 GB' : 'downloads 330 MB, keeps 860 MB';
  log(`TensorFlow ${TENSORFLOW_VERSION} (${variant}): one-time set-up, ${size}`);
  const packages = await ensureTensorFlowPackages(log);
  timed(`TensorFlow.js ${tfjsVersion()} installed from npm`);
  await fetchWheel(tensorFlowRequest(variant, join(folder, 'deps'), log));
  timed('libraries and headers downloaded');
  if (variant === 'gpu') {
    for (const request of cudaRequests(join(folder, 'deps', 'nvidia'), log)) await fetchWheel(request);
    timed('CUDA libraries downloaded');
  }
  const compiler = existsSync(join(folder, ADDON)) ? undefined : await findCppCompiler(log);
  if (compiler !== undefined) {
    await compileAddon(join(packages, 'node_modules', TFJS_PACKAGE, 'binding'), folder, compiler);
    timed(`addon compiled with ${compiler.name}`);
  }
  const gflops = await smokeTest(packages);
  timed(`smoke test passed: ${gflops} GFLOP/s matrix product`);
  const record = {
    tensorflow: TENSORFLOW_VERSION,
    tfjs: tfjsVersion(),
    variant,
    compiler: compiler?.name ?? previousCompiler(folder),
    gflops,
  };
  await writeRecord(join(folder, 'ready.json'), record);
  return { ...record, folder, packages };
}

/** Logs each step with its duration in seconds. */
function timer(log: SetUpLog): (step: string) => void {
  let last = performance.now();
  return (step) => {
    const now = performance.now();
    log(`TensorFlow: ${step} (${((now - last) / 1000).toFixed(1)} s)`);
    last = now;
  };
}

async function compileAddon(sources: string, folder: string, compiler: CppCompiler): Promise<void> {
  const output = join(folder, ADDON);
  const temporary = `${output}.${process.pid}-${randomUUID().slice(0, 8)}`;
  await mkdir(dirname(output), { recursive: true });
  const args = [
    ...compiler.args,
    ...['-std=c++17', '-O2', '-shared', '-fPIC', '-w', '-DNAPI_VERSION=8'],
    ...['-I', join(folder, 'deps', 'include'), '-I', nodeHeaders()],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(sources, name)),
    ...linkArguments(join(folder, 'deps', 'lib')),
    ...['-o', temporary],
  ];
  const result = await runCommand(compiler.program, args, { env: compiler.env });
  if (result.code !== 0) {
    await rm(temporary, { force: true });
    throw new SamMilError('Unavailable', `the TensorFlow addon could not be compiled with ${compiler.name}`, {
      found: firstErrors(result.stderr),
      next: 'set CXX to a C++17 compiler, or remove the one on PATH to use the Zig compiler instead',
    });
  }
  await rename(temporary, output);
}

/** The addon finds the libraries by a relative path (`deps/lib`), so the cache can be moved. */
function linkArguments(libraries: string): string[] {
  if (process.platform === 'darwin') {
    const files = ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'];
    return [
      '-undefined',
      'dynamic_lookup',
      '-Wl,-rpath,@loader_path/../../deps/lib',
      ...inside(libraries, files),
    ];
  }
  const files = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
  return ['-Wl,--allow-shlib-undefined', '-Wl,-rpath,$ORIGIN/../../deps/lib', ...inside(libraries, files)];
}

function inside(folder: string, files: string[]): string[] {
  return files.map((file) => join(folder, file));
}

function nodeHeaders(): string {
  return (require('node-api-headers') as { include_dir: string }).include_dir;
}

function firstErrors(output: string): string {
  const lines = output.split('\n').filter((line) => /error/i.test(line));
  return (lines.length > 0 ? lines : output.split('\n')).slice(0, 3).join(' | ');
}

/**
 * Runs in a separate process so that a broken library cannot crash the caller. Returns billions of operations
 * per second.
 */
async function smokeTest(packages: string): Promise<number> {
  const result = await runCommand(process.execPath, [PROBE, packages], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
    timeout: 120_000,
  });
  const [, rate] = /"backend":"tensorflow","gflops":(\d+)/.exec(result.stdout) ?? [];
  if (result.code === 0 && rate !== undefined) return Number(rate);
  throw new SamMilError('Unavailable', 'TensorFlow is installed but does not run', {
    found: firstErrors(result.stderr) || result.stdout.trim() || `exit code ${result.code}`,
    next: `remove ${join(nativeCacheFolder(), 'tensorflow')} and try again`,
  });
}

function previousCompiler(folder: string): string {
  const record = join(folder, 'ready.json');
  if (!existsSync(record)) return 'an earlier set-up';
  return (JSON.parse(readFileSync(record, 'utf8')) as { compiler: string }).compiler;
}

async function writeRecord(path: string, record: object): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  await rename(temporary, path);
}
