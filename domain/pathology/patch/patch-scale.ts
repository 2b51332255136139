import { SamMilError } from '../../errors.js';
import { nominalMagnification } from '../layouts/trident.js';
import { RESOLUTION_KEYS } from '../slides/properties.js';
import type { Slide } from '../slides/slide.js';
import type { Mpp } from '../../units.js';
import { checkLevel } from './tissue/find-tissue.js';

/** What a pipeline asks for: sides in pixels of `patchLevel`, or of the wanted resolution where there is one. */
export interface ScaleWish {
  patchSize: number;
  stepSize?: number;
  patchLevel: number;
  /** CLAM's: sides count in pixels this many times as large as the level's. */
  customDownsample: number;
  magnification?: number;
  mpp?: Mpp;
  /** Micrometres per pixel at level 0, over what the file says. */
  slideMpp?: Mpp;
}

/** What is read: sides in pixels of `patchLevel`. */
export interface PatchScale {
  patchLevel: number;
  patchSize: number;
  stepSize: number;
  /** Whether they count by the level's real downsample, as for a wished resolution; else by its whole part, as CLAM has it. */
  exact: boolean;
  /** Resolution of the slide at level 0 and of the patches once resized to the wished size, where they matter. */
  slideMpp?: Mpp;
  targetMpp?: Mpp;
  /** The slide states no micrometres a pixel: `slideMpp` is what its objective makes of them by convention. */
  reckoned?: true;
}

/** By convention a 10x objective gives 1 micrometre a pixel. */
const MPP_TIMES_POWER = 10;

/** A level may be coarser than wished by so much and still serve: scanners' 4.0007 or 0.2527 are not meant as differences. */
const TOLERANCE = 1.05;

/** A resolution this close to that of an objective people name is meant as that objective: 0.2527 um a pixel as 40x. */
const NAMED_WITHIN = 0.02;

/**
 * Where patches of the wished size are read from. With `mpp` or `magnification`: the deepest level not coarser than wished, and the number of
 * its pixels that cover the wished ones.
 *
 * @throws SamMilError MissingMagnification where a resolution is wished and the slide carries none; InvalidInput for wishes that contradict
 *   each other or a level that does not exist
 */
export function choosePatchScale(slide: Slide, wish: ScaleWish): PatchScale {
  const { patchSize, stepSize = patchSize, patchLevel, customDownsample, magnification, mpp } = wish;
  if (magnification === undefined && mpp === undefined) {
    checkLevel(slide, patchLevel);
    const sides = { patchSize: patchSize * customDownsample, stepSize: stepSize * customDownsample };
    return { patchLevel, ...sides, exact: false };
  }
  if ((magnification !== undefined && mpp !== undefined) || patchLevel !== 0 || customDownsample !== 1) {
    throw new SamMilError(
      'InvalidInput',
      'magnification, mpp, and patch-level with custom-downsample each choose the resolution of patches',
      {
        file: slide.path,
        expected: 'one of them',
        next: 'remove the others',
      },
    );
  }
  const slideMpp = wish.slideMpp ?? resolutionOf(slide);
  const objective = wish.slideMpp === undefined ? slide.info.objectivePower : undefined;
  const downsample = mpp === undefined ? powerOf(slideMpp, objective) / magnification! : mpp / slideMpp;
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
    ...(wish.slideMpp === undefined && slide.info.mpp === undefined && { reckoned: true as const }),
  };
}

/**
 * Magnification of level 0. Who wants 20x of a slide that was scanned at 20x wants its pixels as they are, though they measure 0.499 um: a stated
 * objective, or else the one people name, stands where it fits the resolution.
 */
function powerOf(mpp: Mpp, objective = nominalMagnification(mpp)): number {
  const measured = MPP_TIMES_POWER / mpp;
  const fits = objective !== undefined && Math.abs(measured / objective - 1) <= NAMED_WITHIN;
  return fits ? objective : measured;
}

function resolutionOf({ path, info }: Slide): Mpp {
  if (info.mpp !== undefined) return (info.mpp[0] + info.mpp[1]) / 2;
  if (info.objectivePower !== undefined) return MPP_TIMES_POWER / info.objectivePower;
  const looked = RESOLUTION_KEYS.map((key) => `${key} = ${info.properties[key] ?? 'absent'}`);
  throw new SamMilError('MissingMagnification', 'the slide does not say how large its pixels are', {
    file: path,
    expected: 'micrometres per pixel (0.05 to 10) or an objective power among its properties',
    found: looked.join(', '),
    next: 'set slide-mpp, or leave out mpp and magnification and choose a patch-level',
  });
}
