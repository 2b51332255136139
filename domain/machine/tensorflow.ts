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
  wantedVariant,
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
  /** What built the addon: `g++`, `zig c++ 0.17.1`. */
  compiler: string;
  /** Cache folder of all of it: `deps/` and `lib/`, to which the package is linked, and the npm packages. */
  folder: string;
  /** Folder of the npm packages, inside `folder`. */
  packages: string;
  /** Billions of floating-point operations a second of a 1024 x 1024 x 1024 matrix product, as measured when it was set up. */
  gflops: number;
}

/**
 * Sets up TensorFlow for Node without the download host of its npm package: installs the package from npm, takes libraries and headers from
 * TensorFlow's own wheel, compiles the package's addon against them, and keeps all of it in one folder of the cache. Later calls return at
 * once. Safe to call from several processes at once.
 *
 * @throws SamMilError `Unavailable` where a part can't be had or the smoke test fails; `UnsupportedFormat` on a platform without a wheel.
 */
export async function ensureTensorFlow(options: { log?: SetUpLog } = {}): Promise<TensorFlowSetUp> {
  const log = options.log ?? silent;
  const ready = locateTensorFlow();
  if (ready !== undefined) return ready;
  const folder = setUpFolder(wantedVariant());
  return withFileLock(
    `${folder}.setting-up`,
    async () => locateTensorFlow() ?? (await setUp(folder, wantedVariant(), log)),
    () => log('TensorFlow: another process is setting it up, waiting'),
  );
}

/** The set-up as it is now, nothing fetched; undefined where it is missing or incomplete. */
export function locateTensorFlow(): TensorFlowSetUp | undefined {
  const folder = setUpFolder(wantedVariant());
  const record = join(folder, 'ready.json');
  const packages = packagesFolder('tensorflow', folder);
  if (![record, join(folder, ADDON), packages].every((path) => existsSync(path))) return undefined;
  const found = JSON.parse(readFileSync(record, 'utf8')) as Omit<TensorFlowSetUp, 'folder' | 'packages'>;
  return { ...found, folder, packages };
}

/**
 * Installs the npm packages of TensorFlow.js alone: what the JavaScript backend needs, on any platform. Returns their folder.
 *
 * @throws SamMilError `Unavailable` where npm is missing or fails
 */
export async function ensureTensorFlowPackages(log: SetUpLog = silent): Promise<string> {
  const folder = setUpFolder(wantedVariant());
  const into = packagesFolder('tensorflow', folder);
  // The package looks for addon and libraries in its own folder. Relative links hold wherever the cache is moved.
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
    variant === 'gpu' ? 'with CUDA 12, fetches 3.1 GB, keeps 4.4 GB' : 'fetches 330 MB, keeps 860 MB';
  log(`TensorFlow ${TENSORFLOW_VERSION} (${variant}): one-time set-up, ${size}`);
  const packages = await ensureTensorFlowPackages(log);
  timed(`TensorFlow.js ${tfjsVersion()} installed from npm`);
  await fetchWheel(tensorFlowRequest(variant, join(folder, 'deps'), log));
  timed('libraries and headers');
  if (variant === 'gpu') {
    for (const request of cudaRequests(join(folder, 'deps', 'nvidia'), log)) await fetchWheel(request);
    timed('CUDA libraries');
  }
  const compiler = existsSync(join(folder, ADDON)) ? undefined : await findCppCompiler(log);
  if (compiler !== undefined) {
    await compileAddon(join(packages, 'node_modules', TFJS_PACKAGE, 'binding'), folder, compiler);
    timed(`addon compiled by ${compiler.name}`);
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

/** Logs a step with the seconds it took. */
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
    throw new SamMilError('Unavailable', `the TensorFlow addon could not be compiled by ${compiler.name}`, {
      found: firstErrors(result.stderr),
      next: 'set CXX to a C++17 compiler, or hide the one on PATH so that the fetched one is used',
    });
  }
  await rename(temporary, output);
}

/** The addon finds the libraries beside itself (`deps/lib`), wherever the cache is moved. */
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

/** In a separate process: a broken library must not take the caller down. Returns billions of operations a second. */
async function smokeTest(packages: string): Promise<number> {
  const result = await runCommand(process.execPath, [PROBE, packages], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
    timeout: 120_000,
  });
  const [, rate] = /"backend":"tensorflow","gflops":(\d+)/.exec(result.stdout) ?? [];
  if (result.code === 0 && rate !== undefined) return Number(rate);
  throw new SamMilError('Unavailable', 'TensorFlow was set up but does not run', {
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
