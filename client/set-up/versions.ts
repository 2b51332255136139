import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformKey } from '../../domain/machine/cache-folder.js';
import { hasOnnxRuntime, onnxRuntimeVersion } from '../../domain/machine/onnx-runtime.js';
import { runCommand } from '../../domain/machine/run-command.js';
import { locateTensorFlow } from '../../domain/machine/tensorflow.js';
import { packageRoot, packageVersion } from '../../domain/package-root.js';
import { locateTemporalServer } from '../server/temporal-server.js';
import { openSlideVersion } from './doctor.js';

const require = createRequire(import.meta.url);
const MISSING = 'not installed yet';

/** Names and versions of this package and of what computes and coordinates its results. Downloads nothing. */
export async function listVersions(): Promise<[name: string, version: string][]> {
  const [commit, server, openSlide] = await Promise.all([
    readCommit(packageRoot()),
    locateTemporalServer(),
    openSlideVersion(),
  ]);
  const tensorFlow = locateTensorFlow();
  return [
    ['sam-mil', packageVersion()],
    ['commit', commit ?? 'unknown'],
    ['Node', `${process.versions.node}, ${platformKey()}`],
    ['Temporal SDK', (require('@temporalio/client/package.json') as { version: string }).version],
    ['Temporal server', typeof server === 'string' ? 'not built yet' : server.server],
    ['TensorFlow', tensorFlow === undefined ? MISSING : `${tensorFlow.tensorflow}, tfjs ${tensorFlow.tfjs}`],
    ['ONNX Runtime', hasOnnxRuntime() ? onnxRuntimeVersion() : MISSING],
    ['OpenSlide', openSlide],
  ];
}

/**
 * The commit of a checkout, marked if files differ from it, or the one that `npm pack` has recorded. A
 * package that is installed inside another project's checkout does not have that project's commit.
 */
export async function readCommit(root: string): Promise<string | undefined> {
  if (existsSync(join(root, '.git'))) {
    const git = await runCommand('git', ['-C', root, 'rev-parse', 'HEAD'], { timeout: 10_000 });
    if (git.code !== 0) return undefined;
    const changes = await runCommand('git', ['-C', root, 'status', '--porcelain'], { timeout: 10_000 });
    return `${git.stdout.trim()}${changes.stdout.trim() === '' ? '' : ', with changes'}`;
  }
  const packed = join(root, 'dist', 'commit');
  return existsSync(packed) ? readFileSync(packed, 'utf8').trim() : undefined;
}
