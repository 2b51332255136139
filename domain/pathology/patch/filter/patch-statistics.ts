import { saturation } from '../tissue/saturation.js';

/** What the filters look at in the pixels of a patch. */
export interface PatchStatistics {
  /** Mean of the HSV saturation, 0 to 255. */
  saturation: number;
  /** Largest of the means of red, green and blue. */
  brightest: number;
  /** Variance of the Laplacian of the gray values. */
  sharpness: number;
}

/**
 * Measures a patch of `side` x `side` RGB pixels.
 *
 * Saturation and channel means: isWhitePatch and isBlackPatch of CLAM (wsi_core/wsi_utils.py). Sharpness: the
 * variance of the Laplacian, after J. L. Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy:
 * a comparative study, ICPR 2000; the gray values and the kernel are those of OpenCV's cvtColor and Laplacian
 * (3 x 3, border reflected without its own pixel).
 */
export function measurePatch(rgb: Uint8Array, side: number): PatchStatistics {
  const pixels = side * side;
  const saturations = new Uint8Array(pixels);
  saturation(rgb, side, side, saturations);
  const sums = [0, 0, 0];
  for (let i = 0; i < rgb.length; i += 3) {
    sums[0] += rgb[i];
    sums[1] += rgb[i + 1];
    sums[2] += rgb[i + 2];
  }
  return {
    saturation: saturations.reduce((sum, value) => sum + value, 0) / pixels,
    brightest: Math.max(...sums) / pixels,
    sharpness: laplacianVariance(toGray(rgb), side),
  };
}

/** 8-bit gray values by the fixed-point weights of OpenCV's COLOR_RGB2GRAY. */
function toGray(rgb: Uint8Array): Uint8Array {
  const gray = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < gray.length; i++) {
    gray[i] = (rgb[3 * i] * 9798 + rgb[3 * i + 1] * 19235 + rgb[3 * i + 2] * 3735 + (1 << 14)) >> 15;
  }
  return gray;
}

function laplacianVariance(gray: Uint8Array, side: number): number {
  // Both neighbors of a border pixel are the one inside; a single row has itself.
  const inside = (i: number) => (i < 0 ? Math.min(1, side - 1) : i >= side ? Math.max(0, side - 2) : i);
  let sum = 0;
  let squares = 0;
  for (let y = 0; y < side; y++) {
    const [row, above, below] = [y, inside(y - 1), inside(y + 1)].map((line) => line * side);
    for (let x = 0; x < side; x++) {
      const [left, right] = x > 0 && x < side - 1 ? [x - 1, x + 1] : [inside(x - 1), inside(x + 1)];
      const value =
        gray[above + x] + gray[below + x] + gray[row + left] + gray[row + right] - 4 * gray[row + x];
      sum += value;
      squares += value * value;
    }
  }
  const count = side * side;
  return squares / count - (sum / count) ** 2;
}
