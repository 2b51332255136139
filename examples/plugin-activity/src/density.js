import { join } from 'node:path';
import { withH5, writeH5 } from 'sam-mil/files';
import { SamMilError } from 'sam-mil/plugin';
import { openSlide } from 'sam-mil/slides';

/** Can be killed at any moment: what it writes to `scratch` is published when it returns. */
export async function run(job) {
  const { slide: slideFile, patches: patchesFile, threshold } = job.with;
  const { coords, size, level } = readPatches(patchesFile.path);
  const count = coords.length / 2;
  if (count === 0) return { files: {}, skip: 'no_patches' };
  const density = new Float32Array(count);
  const slide = openSlide(slideFile.path);
  try {
    for (let i = 0; i < count; i++) {
      job.signal.throwIfAborted();
      const pixels = slide.readRegion(Number(coords[2 * i]), Number(coords[2 * i + 1]), level, size, size);
      density[i] = shareOfDark(pixels, threshold);
      job.progress({ unit: 'patches', done: i + 1, total: count });
    }
  } finally {
    slide.close();
  }
  const file = join(job.scratch, 'density.h5');
  writeH5(file, (h5) => {
    h5.write('density', density, [count]);
    h5.write('coords', coords, [count, 2]);
  });
  const mean = density.reduce((sum, share) => sum + share, 0) / count;
  return { files: { density: { from: file, to: `density/${job.name}.h5` } }, values: { mean } };
}

function readPatches(path) {
  return withH5(path, (h5) => {
    const { patch_size: size, patch_level: level } = h5.attributes('coords');
    if (typeof size !== 'number' || typeof level !== 'number') {
      throw new SamMilError('InvalidInput', 'the patches have no size or level', { file: path });
    }
    return { coords: h5.read('coords'), size, level };
  });
}

/**
 * Share of the pixels (RGB, 3 bytes each) whose optical density exceeds the threshold: the mean over the
 * channels of -log10((value + 1) / 256).
 */
function shareOfDark(pixels, threshold) {
  const limit = (256 * 10 ** -threshold) ** 3;
  let dark = 0;
  for (let i = 0; i < pixels.length; i += 3) {
    if ((pixels[i] + 1) * (pixels[i + 1] + 1) * (pixels[i + 2] + 1) < limit) dark += 1;
  }
  return (3 * dark) / pixels.length;
}
