import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { nativeCacheFolder } from '../../domain/machine/cache-folder.js';
import { ensureOnnxRuntime } from '../../domain/machine/onnx-runtime.js';

/** A cache below `folder` without anybody's weights, to be named in SAM_MIL_CACHE. ONNX Runtime is this machine's. */
export async function freshCache(folder: string): Promise<string> {
  await ensureOnnxRuntime();
  const cache = join(folder, 'cache');
  mkdirSync(cache, { recursive: true });
  symlinkSync(join(nativeCacheFolder(), 'onnxruntime'), join(cache, 'onnxruntime'));
  return cache;
}
