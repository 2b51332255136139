import { SamMilError } from '../../../errors.js';
import type { Slide } from '../../slides/slide.js';
import { closeMask } from './close-mask.js';
import { filterContours, toLevel0, type TissueContour } from './contours.js';
import { medianBlur } from './median-blur.js';
import { medianAbove } from './median-threshold.js';
import { otsuThreshold, thresholdInPlace } from './otsu.js';
import type { TissueParameters } from './parameters.js';
import { chooseLevel, readSaturation, type ReadOptions, type SaturationImage } from './read-tissue-level.js';
import { traceContours } from './trace-contours.js';

/** The tissue of a slide. */
export interface Tissue {
  /** 0 or 255, height x width at the segmentation level (or smaller, see `reduction`). */
  mask: Uint8Array;
  width: number;
  height: number;
  segLevel: number;
  downsample: readonly [number, number];
  reduction: number;
  /** Tissue after the area filters, in level-0 pixels. The index of a contour is its id. */
  contours: TissueContour[];
  /** Ids that remain after keepIds and excludeIds, ascending. */
  ids: number[];
  /** 1 where a tissue model found an artifact, at the size of the mask. */
  artifacts?: Uint8Array;
}

/**
 * Foreground segmentation as CLAM does it: HSV saturation, median blur, threshold (fixed or Otsu),
 * morphological close, outlines with holes, and area filters.
 * @throws SamMilError InvalidInput for a level or an id that does not exist; as `readRegion`
 */
export async function segmentTissue(
  slide: Slide,
  parameters: TissueParameters,
  options: ReadOptions,
): Promise<Tissue> {
  const level = chooseLevel(slide, parameters.segLevel);
  checkLevel(slide, level);
  const image = await readSaturation(slide, level, options);
  return tissueOfMask(slide, { ...image, mask: tissueMask(image, parameters) }, parameters);
}

/** A binary mask of a slide, 0 or 255, and where it is. */
export interface PlacedMask extends Pick<Tissue, 'mask' | 'width' | 'height' | 'downsample' | 'reduction'> {
  level: number;
}

/**
 * Traces the outlines of a mask with their holes, and applies the area filters.
 * @throws SamMilError InvalidInput for an id that does not exist
 */
export function tissueOfMask(
  slide: Slide,
  { mask, width, height, downsample, reduction, level }: PlacedMask,
  parameters: TissueParameters,
): Tissue {
  const kept = filterContours(traceContours(mask, width, height), downsample, parameters);
  const contours = toLevel0(kept, downsample);
  const ids = chooseIds(slide.path, contours.length, parameters);
  return { mask, width, height, segLevel: level, downsample, reduction, contours, ids };
}

/** Computes the 0 / 255 mask of a saturation image. Each step equals the OpenCV function. */
export function tissueMask(
  { values, width, height }: Pick<SaturationImage, 'values' | 'width' | 'height'>,
  { mthresh, sthresh, useOtsu, close }: Pick<TissueParameters, 'mthresh' | 'sthresh' | 'useOtsu' | 'close'>,
): Uint8Array {
  const above = useOtsu
    ? otsu(values, width, height, mthresh)
    : medianAbove(values, width, height, mthresh, sthresh);
  return closeMask(above, width, height, close);
}

/** Otsu's threshold requires the medians, not only a comparison with a threshold. */
function otsu(values: Uint8Array, width: number, height: number, size: number): Uint8Array {
  const medians = medianBlur(values, width, height, size);
  return thresholdInPlace(medians, otsuThreshold(medians));
}

export function checkLevel(slide: Slide, level: number): void {
  const count = slide.info.levels.length;
  if (level < count) return;
  throw new SamMilError('InvalidInput', `the slide has no level ${level}`, {
    file: slide.path,
    expected: count === 1 ? 'level 0, the only level' : `a level from 0 to ${count - 1}`,
    next: 'choose another level, or -1 for automatic selection',
  });
}

/** The ids that keep-ids and exclude-ids leave. @throws SamMilError InvalidInput for an unknown id */
export function chooseIds(path: string, count: number, { keepIds, excludeIds }: TissueParameters): number[] {
  const unknown = [...keepIds, ...excludeIds].filter((id) => id >= count);
  if (unknown.length > 0) {
    throw new SamMilError('InvalidInput', '`keep-ids` or `exclude-ids` contains contours that do not exist', {
      file: path,
      expected:
        count === 0
          ? 'none, because the slide has no tissue'
          : `0 to ${count - 1}, as numbered on the mask picture`,
      found: unknown.join(', '),
    });
  }
  const kept = keepIds.length > 0 ? [...new Set(keepIds)].sort((a, b) => a - b) : [...Array(count).keys()];
  return kept.filter((id) => !excludeIds.includes(id));
}
