import { join } from 'node:path';
import { platformKey, silent, type SetUpLog } from './cache-folder.js';
import {
  cachedLibrary,
  givenLibrary,
  OPENSLIDE_MEMBERS,
  OPENSLIDE_VERSION,
  openSlideFolder,
  openSlideMissing,
  pythonLibrary,
  systemLibrary,
} from './openslide-library.js';
import { fetchWheel } from './wheel.js';
import type { WheelRequest } from './wheel-request.js';

const MACOS = {
  platform: 'macosx_11_0_universal2',
  sha256: '230cdb1e2cfa88b9f28ca8f51a7b47065b20a855ad3e7ba141cd663e5a713e8c',
};

/**
 * The OpenSlide library: `OPENSLIDE_LIB`, else the cached copy, else the pinned wheel downloaded into the
 * cache (2.8 MB), else the one from Python's openslide_bin package or from the system. The pinned version
 * comes before installed ones so that every machine reads the same pixels.
 *
 * @throws SamMilError `Unavailable`, stating what to install
 */
export async function findOpenSlideLibrary(log: SetUpLog = silent): Promise<string> {
  const given = givenLibrary() ?? cachedLibrary();
  if (given !== undefined) return given.path;
  let reason: unknown;
  try {
    log(`OpenSlide ${OPENSLIDE_VERSION}: downloading the library (3 MB)`);
    await fetchWheel(request(log));
    return join(openSlideFolder(), OPENSLIDE_MEMBERS[platformKey()]);
  } catch (error) {
    reason = error;
  }
  const installed = pythonLibrary() ?? systemLibrary();
  if (installed === undefined) throw openSlideMissing(reason);
  log(`OpenSlide: using ${installed.path} because the pinned version could not be downloaded`);
  return installed.path;
}

function request(log: SetUpLog): WheelRequest {
  const member = OPENSLIDE_MEMBERS[platformKey()];
  return {
    package: 'openslide-bin',
    version: OPENSLIDE_VERSION,
    files: {
      'linux-x64': {
        platform: 'manylinux_2_28_x86_64',
        sha256: '8ac4aa3a2277ed5e218ca0019db65bdd6e853f865eb4edd3da00e2f4acf0c923',
      },
      'linux-arm64': {
        platform: 'manylinux_2_28_aarch64',
        sha256: '0dff14807e1b7ccfd476ca5b6945edf46908b76ec61777d35acb2a514e205c30',
      },
      'darwin-x64': MACOS,
      'darwin-arm64': MACOS,
    },
    // The license texts are kept with it: the library is LGPL-2.1 and links others statically.
    select: (name) => (name === `openslide_bin/${member}` ? member : name.split('.dist-info/licenses/')[1]),
    into: openSlideFolder(),
    log,
  };
}
