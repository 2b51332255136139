import type { SegmentMask } from '../../layouts/segments-file.js';
import { loadOpenCv } from '../../../machine/opencv.js';
import { floodRegions, PLANES, type Flooded } from './flood-regions.js';
import { labelMasks } from './label-masks.js';
import { cutTree, mergeRegions, type Region, type RegionTree } from './region-tree.js';
import type { ImageToSegment, SegmentContext, SegmenterDefinition } from '../segmenter/segmenter.js';
import type { SegmentParameters } from '../segmenter/segmenter-parameters.js';

/** Minimum pixels of a mask; smaller ones are artifacts of the flood. */
const LEAST_AREA = 16;

/**
 * The classical segmenter, without learning or weights: it floods tissue from uniform spots of its stain
 * planes (`flood-regions.ts`), merges neighbors by Ward's criterion, and cuts the tree of merges at several
 * numbers of regions. Masks therefore nest, from tissue compartments to small areas of similar cells, like
 * the whole, part and subpart of SAM.
 */
export const watershed: SegmenterDefinition = {
  info: {
    name: 'watershed',
    version: 1,
    weightsDigest: null,
    license: 'own code on OpenCV (Apache-2.0), no weights',
    note: 'hierarchical watershed of the H&E stain planes: a classical stand-in, not SAM',
  },
  bring: async () => undefined,
  segment: segmentByWatershed,
};

async function segmentByWatershed(
  image: ImageToSegment,
  parameters: SegmentParameters,
  context: SegmentContext,
): Promise<SegmentMask[]> {
  const cv = await loadOpenCv();
  context.progress(0, 1, 'flooding regions');
  const flooded = floodRegions(cv, image);
  context.signal.throwIfAborted();
  context.progress(0, 1, 'merging regions');
  if (flooded.seeds.length === 0) return [];
  const statistics = measure(flooded);
  const tree = mergeRegions(statistics.regions, listBorders(flooded.labels, image.width, image.height));
  context.progress(1, 1);
  return createMasks(image, flooded, statistics, tree, parameters);
}

interface Statistics {
  regions: Region[];
  /** Sum of squared values per region, over all planes. */
  squares: Float64Array;
}

function measure({ labels, seeds, planes }: Flooded): Statistics {
  const regions = seeds.map(() => ({ size: 0, mean: new Float64Array(PLANES) }));
  const squares = new Float64Array(seeds.length);
  for (let i = 0; i < labels.length; i++) {
    const region = labels[i] - 1;
    if (region < 0) continue;
    regions[region].size++;
    for (let channel = 0; channel < PLANES; channel++) {
      const value = planes[i * PLANES + channel];
      regions[region].mean[channel] += value;
      squares[region] += value * value;
    }
  }
  for (const region of regions) {
    if (region.size > 0)
      for (let channel = 0; channel < PLANES; channel++) region.mean[channel] /= region.size;
  }
  return { regions, squares };
}

function* listBorders(labels: Int32Array, width: number, height: number): Generator<[number, number]> {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = labels[y * width + x];
      if (here === 0) continue;
      const right = x + 1 < width ? labels[y * width + x + 1] : 0;
      const below = y + 1 < height ? labels[(y + 1) * width + x] : 0;
      if (right !== 0 && right !== here) yield [here - 1, right - 1];
      if (below !== 0 && below !== here) yield [here - 1, below - 1];
    }
  }
}

/**
 * Creates the masks of all cuts, coarse cuts first, each tree node once; within a cut in the order of their
 * first seed.
 */
function createMasks(
  image: ImageToSegment,
  flooded: Flooded,
  statistics: Statistics,
  tree: RegionTree,
  parameters: SegmentParameters,
): SegmentMask[] {
  const { width, height } = image;
  const done = new Set<number>();
  const masks: SegmentMask[] = [];
  const leastArea = Math.max(LEAST_AREA, parameters.minMaskRegionArea);
  const spread = deviation(statistics, statistics.regions.keys());
  for (const count of [...parameters.regions].sort((a, b) => a - b)) {
    const nodes = cutTree(tree, count);
    const nodeLabels = flooded.labels.map((label) => (label === 0 ? 0 : nodes[label - 1] + 1));
    const leavesOf = leavesByNode(nodes);
    const inner = innerPixels(nodeLabels, width, height);
    for (const [label, mask] of [...labelMasks(nodeLabels, width, height)].sort(([a], [b]) => a - b)) {
      if (done.has(label) || mask.area < leastArea) continue;
      done.add(label);
      const leaves = leavesOf.get(label - 1) ?? [];
      masks.push({
        ...mask,
        predictedIou: Math.max(0, 1 - deviation(statistics, leaves.values()) / Math.max(1e-9, spread)),
        pointCoords: [findSeed(flooded, statistics, leaves, width)],
        stabilityScore: (inner.get(label) ?? 0) / mask.area,
        cropBox: [0, 0, width, height],
      });
    }
  }
  return masks;
}

function leavesByNode(nodes: Int32Array): Map<number, number[]> {
  const leaves = new Map<number, number[]>();
  nodes.forEach((node, leaf) => {
    const known = leaves.get(node);
    if (known) known.push(leaf);
    else leaves.set(node, [leaf]);
  });
  return leaves;
}

/** Mean squared deviation from the mean, summed over the planes, of the union of some leaves. */
function deviation({ regions, squares }: Statistics, leaves: Iterable<number>): number {
  const sums = new Float64Array(PLANES);
  let size = 0;
  let square = 0;
  for (const leaf of leaves) {
    size += regions[leaf].size;
    square += squares[leaf];
    for (let channel = 0; channel < PLANES; channel++) {
      sums[channel] += regions[leaf].mean[channel] * regions[leaf].size;
    }
  }
  if (size === 0) return 0;
  return sums.reduce((rest, sum) => rest - (sum / size) ** 2, square / size);
}

/** Seed (x, y) of the largest leaf, a pixel that is certainly inside. */
function findSeed(
  { seeds }: Flooded,
  { regions }: Statistics,
  leaves: readonly number[],
  width: number,
): [number, number] {
  const largest = leaves.reduce((best, leaf) => (regions[leaf].size > regions[best].size ? leaf : best));
  return [seeds[largest] % width, Math.floor(seeds[largest] / width)];
}

/**
 * Counts, per label, the pixels whose four neighbors have the same label; the image border counts as the
 * same.
 */
function innerPixels(labels: Int32Array, width: number, height: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const label = labels[at];
      if (label === 0) continue;
      const alone =
        (x > 0 && labels[at - 1] !== label) ||
        (x + 1 < width && labels[at + 1] !== label) ||
        (y > 0 && labels[at - width] !== label) ||
        (y + 1 < height && labels[at + width] !== label);
      if (!alone) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  }
  return counts;
}
