import { withMats, type OpenCv } from '../../../machine/opencv.js';
import { separateStains } from '../../slides/stains.js';
import type { ImageToSegment } from '../segmenter/segmenter.js';

/** Smoothing of the stain planes in image pixels: wider than a nucleus at the typical 2 µm per pixel. */
const SIGMA = 2.5;
/**
 * Half the side of the square in which a seed must have the lowest gradient, so seeds are at least this far
 * apart.
 */
const SEED_REACH = 5;
/** Smoothed optical density of both stains above which a pixel is tissue. */
const TISSUE_DENSITY = 0.08;
/** Pixels this dark in every channel are unscanned areas, not stain. */
const UNSCANNED = 8;

/** OpenCV's constants for replicated borders and 8-bit values, which are missing in its type declarations. */
const BORDER_REPLICATE = 1;
const CV_8U = 0;

/**
 * Planes that distinguish regions, each 0 to 255: hematoxylin, eosin, and the local variation of hematoxylin
 * (density of nuclei).
 */
export const PLANES = 3;

export interface Flooded {
  /** height x width: 0 outside tissue, else 1 to `seeds.length`. */
  labels: Int32Array;
  /** Pixel index of each region's seed. */
  seeds: number[];
  /** height x width x PLANES. */
  planes: Uint8Array;
}

/**
 * Splits tissue into small uniform regions by a marker-based watershed (Meyer's flooding, as in OpenCV) of
 * the smoothed stain planes, starting at the local minima of their gradient. Deterministic.
 */
export function floodRegions(cv: OpenCv, image: ImageToSegment): Flooded {
  const { width, height } = image;
  const stains = smoothStains(cv, image);
  const tissue = findTissuePixels(image, stains.density);
  const planes = interleave([stains.hematoxylin, stains.eosin, stains.contrast], tissue);
  const gradient = smooth(cv, computeGradient(planes, width, height), width, height, 1.5);
  const { markers, seeds } = seedMarkers(cv, gradient, tissue, width, height);
  if (seeds.length === 0) return { labels: new Int32Array(width * height), seeds, planes };
  const flooded = watershed(cv, planes, markers, width, height);
  closeBorders(flooded, planes, width, height);
  const background = seeds.length + 1;
  return { labels: flooded.map((label) => (label === background ? 0 : label)), seeds, planes };
}

interface StainPlanes {
  hematoxylin: Float32Array;
  eosin: Float32Array;
  contrast: Float32Array;
  density: Float32Array;
}

function smoothStains(cv: OpenCv, { rgb, width, height }: ImageToSegment): StainPlanes {
  const blur = (plane: Float32Array, sigma: number): Float32Array => smooth(cv, plane, width, height, sigma);
  const raw = separateStains(rgb, width * height);
  const hematoxylin = blur(raw.hematoxylin, SIGMA);
  const eosin = blur(raw.eosin, SIGMA);
  const deviation = raw.hematoxylin.map((value, i) => Math.abs(value - hematoxylin[i]));
  const density = hematoxylin.map((value, i) => value + eosin[i]);
  return { hematoxylin, eosin, contrast: blur(deviation, 2 * SIGMA), density };
}

function findTissuePixels({ rgb }: ImageToSegment, density: Float32Array): Uint8Array {
  return Uint8Array.from(density, (value, i) => {
    const brightest = Math.max(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
    return value > TISSUE_DENSITY && brightest > UNSCANNED ? 1 : 0;
  });
}

/**
 * Interleaves the planes to one 8-bit image, each scaled so that its 99th percentile in tissue becomes 255.
 */
function interleave(planes: readonly Float32Array[], tissue: Uint8Array): Uint8Array {
  const image = new Uint8Array(tissue.length * planes.length);
  planes.forEach((plane, channel) => {
    const inside = plane.filter((_, i) => tissue[i] === 1).sort();
    const scale = 255 / Math.max(0.05, inside[Math.floor(inside.length * 0.99)] ?? 1);
    for (let i = 0; i < plane.length; i++) {
      image[i * planes.length + channel] = Math.max(0, Math.min(255, Math.round(plane[i] * scale)));
    }
  });
  return image;
}

/** Computes the largest slope over the planes by central differences. */
function computeGradient(planes: Uint8Array, width: number, height: number): Float32Array {
  const gradient = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const [up, down] = [Math.max(0, y - 1) * width, Math.min(height - 1, y + 1) * width];
    for (let x = 0; x < width; x++) {
      const [left, right] = [y * width + Math.max(0, x - 1), y * width + Math.min(width - 1, x + 1)];
      let steepest = 0;
      for (let channel = 0; channel < PLANES; channel++) {
        const dx = planes[right * PLANES + channel] - planes[left * PLANES + channel];
        const dy = planes[(down + x) * PLANES + channel] - planes[(up + x) * PLANES + channel];
        steepest = Math.max(steepest, dx * dx + dy * dy);
      }
      gradient[y * width + x] = Math.sqrt(steepest);
    }
  }
  return gradient;
}

interface Seeds {
  /** height x width: 0 where the flood assigns labels, 1 to n at seeds, n + 1 outside tissue. */
  markers: Int32Array;
  seeds: number[];
}

/** Creates one seed per connected set (8 neighbors) of pixels with the locally lowest gradient. */
function seedMarkers(
  cv: OpenCv,
  gradient: Float32Array,
  tissue: Uint8Array,
  width: number,
  height: number,
): Seeds {
  const lowest = lowestAround(cv, gradient, width, height);
  const isSeed = Uint8Array.from(tissue, (inside, i) => (inside === 1 && gradient[i] <= lowest[i] ? 1 : 0));
  const markers = new Int32Array(width * height);
  const seeds: number[] = [];
  for (let start = 0; start < isSeed.length; start++) {
    if (isSeed[start] === 0 || markers[start] !== 0) continue;
    seeds.push(start);
    fillComponent(isSeed, markers, start, seeds.length, width, height);
  }
  for (let i = 0; i < markers.length; i++) if (tissue[i] === 0) markers[i] = seeds.length + 1;
  return { markers, seeds };
}

function fillComponent(
  isSeed: Uint8Array,
  markers: Int32Array,
  start: number,
  label: number,
  width: number,
  height: number,
): void {
  const open = [start];
  markers[start] = label;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const [x, y] = [at % width, Math.floor(at / width)];
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const next = v * width + u;
        if (isSeed[next] === 0 || markers[next] !== 0) continue;
        markers[next] = label;
        open.push(next);
      }
    }
  }
}

/**
 * OpenCV leaves lines of -1 between regions and around the image. This assigns each such pixel to its most
 * similar neighbor, row by row.
 */
function closeBorders(labels: Int32Array, planes: Uint8Array, width: number, height: number): void {
  let open = Array.from(labels.keys()).filter((i) => labels[i] <= 0);
  while (open.length > 0) {
    const chosen = open.map((i) => nearestLabel(labels, planes, width, height, i));
    const left: number[] = [];
    open.forEach((i, k) => {
      if (chosen[k] > 0) labels[i] = chosen[k];
      else left.push(i);
    });
    if (left.length === open.length) return;
    open = left;
  }
}

function nearestLabel(
  labels: Int32Array,
  planes: Uint8Array,
  width: number,
  height: number,
  at: number,
): number {
  const [x, y] = [at % width, Math.floor(at / width)];
  let best = 0;
  let least = Infinity;
  for (const [u, v] of [
    [x, y - 1],
    [x - 1, y],
    [x + 1, y],
    [x, y + 1],
  ]) {
    if (u < 0 || v < 0 || u >= width || v >= height || labels[v * width + u] <= 0) continue;
    const other = v * width + u;
    let distance = 0;
    for (let channel = 0; channel < PLANES; channel++) {
      distance += (planes[at * PLANES + channel] - planes[other * PLANES + channel]) ** 2;
    }
    if (distance < least) [least, best] = [distance, labels[other]];
  }
  return best;
}

function smooth(cv: OpenCv, plane: Float32Array, width: number, height: number, sigma: number): Float32Array {
  return withMats((keep) => {
    const mat = keep(new cv.Mat(height, width, cv.CV_32FC1));
    mat.data32F.set(plane);
    cv.GaussianBlur(mat, mat, new cv.Size(0, 0), sigma, sigma, BORDER_REPLICATE);
    return mat.data32F.slice();
  });
}

function lowestAround(cv: OpenCv, plane: Float32Array, width: number, height: number): Float32Array {
  return withMats((keep) => {
    const mat = keep(new cv.Mat(height, width, cv.CV_32FC1));
    mat.data32F.set(plane);
    const square = keep(cv.Mat.ones(2 * SEED_REACH + 1, 2 * SEED_REACH + 1, CV_8U));
    cv.erode(mat, mat, square);
    return mat.data32F.slice();
  });
}

function watershed(
  cv: OpenCv,
  planes: Uint8Array,
  markers: Int32Array,
  width: number,
  height: number,
): Int32Array {
  return withMats((keep) => {
    const image = keep(new cv.Mat(height, width, cv.CV_8UC3));
    image.data.set(planes);
    const labels = keep(new cv.Mat(height, width, cv.CV_32SC1));
    labels.data32S.set(markers);
    cv.watershed(image, labels);
    return labels.data32S.slice();
  });
}
