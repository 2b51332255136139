import { digestOf } from '../../../digest.js';
import type { SegmentMask } from '../../layouts/segments-file.js';
import { loadOpenCv } from '../../../machine/opencv.js';
import { suppressBoxes } from './box-suppression.js';
import type { Candidate, CropCounts } from './candidate.js';
import { type CropBox, cropBoxes } from './crop-boxes.js';
import { CropStore } from './crop-store.js';
import { gridSides, pointGrid } from './point-grid.js';
import type { SamModel } from './network/sam-model.js';
import { searchCrop } from './search-crop.js';
import type { ImageToSegment, SegmentContext } from '../segmenter/segmenter.js';
import type { SegmentParameters } from '../segmenter/segmenter-parameters.js';
import { cleanMasks } from './small-regions.js';

/** Increases when the same image, parameters and weights give different masks. */
export const AUTOMATIC_MASKS_VERSION = 1;

export interface AutomaticMasks {
  /** Masks in the order of the crops, smaller crops first; within a crop by descending predicted quality. */
  masks: SegmentMask[];
  /** Per crop, in the order of {@link cropBoxes}. */
  stages: (CropCounts & { crop: CropBox; afterCropNms: number })[];
}

/**
 * Finds all masks in an image like the automatic mask generator of segment-anything (Kirillov et al.,
 * "Segment Anything", ICCV 2023): a grid of points on the image and on overlapping crops, three masks per
 * point, filtered by {@link searchCrop}. Among masks of several crops with overlapping boxes, the one from
 * the smaller crop is kept. Holes and islands below `minMaskRegionArea` pixels are removed.
 *
 * Masks are run lengths from the start. Finished crops are kept in `context.checkpoint` and are not searched
 * again after a kill.
 *
 * @param weights identity of the model's weights
 * @throws SamMilError InvalidInput if a layer of crops would have no points
 */
export async function automaticMasks(
  model: SamModel,
  weights: string,
  image: ImageToSegment,
  parameters: SegmentParameters,
  context: SegmentContext,
): Promise<AutomaticMasks> {
  const { cropNLayers, cropOverlapRatio } = parameters;
  const crops = cropBoxes(image.width, image.height, cropNLayers, cropOverlapRatio);
  const { counts, candidates } = await searchCrops(model, weights, image, crops, parameters, context);
  const kept = crops.length > 1 ? preferSmallCrops(candidates, crops, parameters) : candidates;
  const stages = counts.map((one, crop) => ({
    crop: crops[crop],
    ...one,
    afterCropNms: kept.filter((mask) => mask.crop === crop).length,
  }));
  const masks = await withoutSmallRegions(kept, parameters);
  return { masks: masks.map((mask) => asSegmentMask(mask, crops[mask.crop])), stages };
}

type CroppedCandidate = Candidate & { crop: number };

async function searchCrops(
  model: SamModel,
  weights: string,
  image: ImageToSegment,
  crops: readonly CropBox[],
  parameters: SegmentParameters,
  context: SegmentContext,
): Promise<{ counts: CropCounts[]; candidates: CroppedCandidate[] }> {
  const { cropNLayers, pointsPerSide, cropNPointsDownscaleFactor } = parameters;
  const grids = gridSides(pointsPerSide, cropNLayers, cropNPointsDownscaleFactor).map(pointGrid);
  const store = new CropStore(context.checkpoint, cropsIdentity(model, weights, image, parameters));
  const counts: CropCounts[] = [];
  const candidates: CroppedCandidate[] = [];
  for (const [index, crop] of crops.entries()) {
    context.signal.throwIfAborted();
    const grid = grids[crop.layer];
    const progress = (points: number): void =>
      context.progress(index, crops.length, `${points} of ${grid.length / 2} points`);
    let found = store.find(index);
    if (found === undefined) {
      found = await searchCrop({ model, image, crop, grid, parameters, signal: context.signal, progress });
      store.commit(index, found);
    }
    context.progress(index + 1, crops.length);
    counts.push(found.counts);
    candidates.push(...found.candidates.map((one) => ({ ...one, crop: index })));
  }
  return { counts, candidates };
}

function cropsIdentity(
  { imageSize, provider }: SamModel,
  weights: string,
  { rgb, width, height }: ImageToSegment,
  parameters: SegmentParameters,
): unknown {
  const { pointsPerSide, cropNLayers, cropNPointsDownscaleFactor, cropOverlapRatio } = parameters;
  const { predIouThresh, stabilityScoreThresh, stabilityScoreOffset, boxNmsThresh } = parameters;
  return {
    version: AUTOMATIC_MASKS_VERSION,
    weights,
    imageSize,
    // Devices differ in the last bits, so all crops of an image are searched on one device.
    provider: provider.name,
    image: { digest: digestOf(rgb), width, height },
    grid: { pointsPerSide, cropNLayers, cropNPointsDownscaleFactor, cropOverlapRatio },
    filters: { predIouThresh, stabilityScoreThresh, stabilityScoreOffset, boxNmsThresh },
  };
}

/** Suppression across crops. Crops of the same size tie, so among them the earlier mask is kept. */
function preferSmallCrops(
  candidates: readonly CroppedCandidate[],
  crops: readonly CropBox[],
  { cropNmsThresh }: SegmentParameters,
): CroppedCandidate[] {
  const scores = crops.map(({ left, top, right, bottom }) =>
    Math.fround(1 / Math.fround((right - left) * (bottom - top))),
  );
  const kept = suppressBoxes(
    candidates.map(({ box }) => box),
    candidates.map(({ crop }) => scores[crop]),
    cropNmsThresh,
  );
  return kept.map((index) => candidates[index]);
}

async function withoutSmallRegions(
  masks: CroppedCandidate[],
  { minMaskRegionArea, boxNmsThresh, cropNmsThresh }: SegmentParameters,
): Promise<CroppedCandidate[]> {
  if (minMaskRegionArea === 0 || masks.length === 0) return masks;
  const cv = await loadOpenCv();
  return cleanMasks(cv, masks, minMaskRegionArea, Math.max(boxNmsThresh, cropNmsThresh));
}

function asSegmentMask(mask: Candidate, { left, top, right, bottom }: CropBox): SegmentMask {
  const [x0, y0, x1, y1] = mask.box;
  return {
    rle: mask.rle,
    area: mask.area,
    bbox: [x0, y0, x1 - x0, y1 - y0],
    predictedIou: mask.iou,
    pointCoords: [mask.point],
    stabilityScore: mask.stability,
    cropBox: [left, top, right - left, bottom - top],
  };
}
