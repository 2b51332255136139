import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { nativeCacheFolder } from '../../domain/machine/cache-folder.js';
import { ensureOnnxRuntime } from '../../domain/machine/onnx-runtime.js';

/** Creates a cache below `folder` without weights, for SAM_MIL_CACHE. It uses this machine's ONNX Runtime. */
export async function freshCache(folder: string): Promise<string> {
  await ensureOnnxRuntime();
  const cache = join(folder, 'cache');
  mkdirSync(cache, { recursive: true });
  symlinkSync(join(nativeCacheFolder(), 'onnxruntime'), join(cache, 'onnxruntime'));
  return cache;
}
