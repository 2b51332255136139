import { SamMilError } from '../../errors.js';
import { nominalMagnification } from '../layouts/trident.js';
import { lookedAt, squareMpp } from '../slides/properties.js';
import type { Slide } from '../slides/slide.js';
import type { Mpp } from '../../units.js';
import { checkLevel } from './tissue/find-tissue.js';

/** The requested scale: sides in pixels of `patchLevel` or, if specified, of a resolution. */
export interface ScaleWish {
  patchSize: number;
  stepSize?: number;
  patchLevel: number;
  /** As in CLAM: sides are in pixels this many times larger than those of the level. */
  customDownsample: number;
  magnification?: number;
  mpp?: Mpp;
  /** µm per pixel at level 0; overrides the value in the file. */
  slideMpp?: Mpp;
}

/** The scale to read at: sides in pixels of `patchLevel`. */
export interface PatchScale {
  patchLevel: number;
  patchSize: number;
  stepSize: number;
  /**
   * True if sides scale by the exact downsample of the level, as for a requested resolution; false for its
   * integer part, as in CLAM.
   */
  exact: boolean;
  /** µm per pixel of the slide at level 0 and of the patches after resizing, if a resolution is requested. */
  slideMpp?: Mpp;
  targetMpp?: Mpp;
  /** The slide does not state µm per pixel; `slideMpp` is estimated from its objective power. */
  estimated?: true;
}

/** By convention, a 10x objective gives 1 µm per pixel. */
const MPP_TIMES_POWER = 10;

/**
 * Factor by which a level may be coarser than requested, so that scanner values such as 4.0007 or 0.2527
 * still match.
 */
const TOLERANCE = 1.05;

/**
 * Relative difference within which a resolution counts as that of a nominal objective, such as 0.2527 µm per
 * pixel as 40x.
 */
const NAMED_WITHIN = 0.02;

/**
 * Chooses where patches of the requested size are read from. For `mpp` or `magnification`, it chooses the
 * deepest level that is not coarser than requested and the number of its pixels that cover the requested
 * ones.
 *
 * @throws SamMilError MissingMagnification if a resolution is requested and the slide does not state one;
 * InvalidInput for conflicting parameters or a level that does not exist
 */
export function choosePatchScale(slide: Slide, wish: ScaleWish): PatchScale {
  const { patchSize, stepSize = patchSize, patchLevel, customDownsample, magnification, mpp } = wish;
  if (magnification === undefined && mpp === undefined) {
    checkLevel(slide, patchLevel);
    const sides = { patchSize: patchSize * customDownsample, stepSize: stepSize * customDownsample };
    return { patchLevel, ...sides, exact: false };
  }
  if ((magnification !== undefined && mpp !== undefined) || patchLevel !== 0 || customDownsample !== 1) {
    throw new SamMilError('InvalidInput', 'more than one parameter sets the resolution of the patches', {
      file: slide.path,
      expected: 'only one of `magnification`, `mpp`, or `patch-level` with `custom-downsample`',
      next: 'remove the others',
    });
  }
  const slideMpp = wish.slideMpp ?? readResolution(slide);
  const objective = wish.slideMpp === undefined ? slide.info.objectivePower : undefined;
  const downsample = mpp === undefined ? choosePower(slideMpp, objective) / magnification! : mpp / slideMpp;
  const level = slide.bestLevelForDownsample(downsample * TOLERANCE);
  const [x, y] = slide.info.levels[level].downsample;
  const factor = downsample / ((x + y) / 2);
  return {
    patchLevel: level,
    patchSize: Math.max(1, Math.round(patchSize * factor)),
    stepSize: Math.max(1, Math.round(stepSize * factor)),
    exact: true,
    slideMpp,
    targetMpp: slideMpp * downsample,
    ...(wish.slideMpp === undefined && slide.info.mpp === undefined && { estimated: true as const }),
  };
}

/**
 * Returns the magnification of level 0. A request for 20x on a slide scanned at 20x must return its pixels
 * unchanged although they measure 0.499 µm, so the stated or else the nominal objective power is used if it
 * is close to the resolution.
 */
function choosePower(mpp: Mpp, objective = nominalMagnification(mpp)): number {
  const measured = MPP_TIMES_POWER / mpp;
  const fits = objective !== undefined && Math.abs(measured / objective - 1) <= NAMED_WITHIN;
  return fits ? objective : measured;
}

const SET_MPP =
  'set `slide-mpp` (the shipped pipelines also take it from a column `mpp` of the slide table), or replace `mpp` and `magnification` by `patch-level`';

/**
 * Returns µm per pixel at level 0, estimated from the objective power if the slide states only that.
 * @throws SamMilError MissingMagnification with `next`
 */
export function readResolution({ path, info }: Slide, next = SET_MPP): Mpp {
  if (info.mpp !== undefined) return squareMpp(info.mpp, path);
  if (info.objectivePower !== undefined) return MPP_TIMES_POWER / info.objectivePower;
  throw new SamMilError('MissingMagnification', 'the slide does not state its resolution', {
    file: path,
    expected: 'µm per pixel (0.05 to 10) or an objective power in its properties',
    found: lookedAt(info),
    next,
  });
}
