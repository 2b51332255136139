import type * as OnnxCommon from 'onnxruntime-common';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nativeCacheFolder, platformKey, silent, type SetUpLog } from './cache-folder.js';
import { installPackages, packagesFolder, pinnedVersion, requireFrom } from './npm-packages.js';

const PACKAGE = 'onnxruntime-node';

/**
 * What onnxruntime-node exports: the interface that all builds share, and the list of backends in this build.
 */
export type OnnxRuntime = typeof OnnxCommon & {
  listSupportedBackends(): readonly { name: string }[];
};

/** The pinned version of ONNX Runtime. */
export function onnxRuntimeVersion(): string {
  return pinnedVersion('onnxruntime', PACKAGE);
}

/**
 * Installs ONNX Runtime into the cache. Later calls return immediately.
 *
 * @throws SamMilError `Unavailable` where npm is missing or fails
 */
export async function ensureOnnxRuntime(log: SetUpLog = silent): Promise<void> {
  if (hasOnnxRuntime()) return;
  log(`ONNX Runtime ${onnxRuntimeVersion()}: one-time set-up, downloads 110 MB from npm, keeps 50 MB`);
  await installPackages({ set: 'onnxruntime', into: folder(), log });
}

export function hasOnnxRuntime(): boolean {
  return existsSync(folder());
}

/** Loads ONNX Runtime, and installs it first if it is missing. */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  await ensureOnnxRuntime();
  return requireFrom(folder())(PACKAGE) as OnnxRuntime;
}

/** The folder of its libraries for this machine, in which it also looks for execution providers. */
export function onnxLibraryFolder(): string {
  const root = dirname(requireFrom(folder()).resolve(`${PACKAGE}/package.json`));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch);
}

function folder(): string {
  return packagesFolder('onnxruntime', join(nativeCacheFolder(), 'onnxruntime', platformKey()));
}
