import { setImmediate } from 'node:timers/promises';
import type { Slide } from '../../slides/slide.js';
import type { WithOf } from '../../../parameters.js';
import type { Tissue } from '../tissue/find-tissue.js';
import type { filterParameters } from './filter-parameters.js';
import { measurePatch } from './patch-statistics.js';
import { tissueShare } from './tissue-share.js';

/** Why a patch was dropped: the first filter, in this order, that it does not pass. */
export const DROP_REASONS = ['tissue', 'white', 'black', 'blurred'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** The filters of a step; those that are undefined are off. */
export type Filters = WithOf<{ with: typeof filterParameters; required: [] }>;

export interface FilteredPatches {
  /** N x 2 corners in level-0 pixels, in their order. */
  coords: Int32Array;
  dropped: readonly DroppedPatch[];
}

export interface DroppedPatch {
  x: number;
  y: number;
  reason: DropReason;
}

/** Patches that are read between two looks at the signal. */
const AT_ONCE = 16;

export function hasFilters({ minTissue, ...pixels }: Filters): boolean {
  return minTissue !== undefined || readsPixels(pixels);
}

function readsPixels({ whiteThresh, blackThresh, blurThresh }: Omit<Filters, 'minTissue'>): boolean {
  return whiteThresh !== undefined || blackThresh !== undefined || blurThresh !== undefined;
}

/**
 * Drops patches by the share of tissue in the mask and by their pixels, which are read at the patch level
 * only if a filter needs them. Memory: one patch. The event loop runs between reads.
 * @throws SamMilError as `readRegion`; the reason of the signal when it is aborted
 */
export async function filterPatches(
  slide: Slide,
  tissue: Tissue,
  coords: Int32Array,
  { patchSize, patchLevel }: { patchSize: number; patchLevel: number },
  filters: Filters,
  { signal, progress }: { signal: AbortSignal; progress: (done: number, total: number) => void },
): Promise<FilteredPatches> {
  const [width, height] = slide.info.levels[patchLevel].downsample.map((factor) => factor * patchSize);
  const pixels = readsPixels(filters) ? new Uint8Array(patchSize * patchSize * 3) : undefined;
  const kept: number[] = [];
  const dropped: DroppedPatch[] = [];
  const total = coords.length / 2;
  for (let patch = 0; patch < total; patch++) {
    const [x, y] = coords.subarray(patch * 2, patch * 2 + 2);
    const thin = filters.minTissue ?? 0;
    let reason: DropReason | undefined;
    if (thin > 0 && tissueShare(tissue, { x, y, width, height }) < thin) reason = 'tissue';
    else if (pixels !== undefined) {
      slide.readRegion(x, y, patchLevel, patchSize, patchSize, pixels);
      reason = reasonOfPixels(pixels, patchSize, filters);
    }
    if (reason === undefined) kept.push(x, y);
    else dropped.push({ x, y, reason });
    if ((patch + 1) % AT_ONCE !== 0 && patch + 1 !== total) continue;
    progress(patch + 1, total);
    await setImmediate();
    signal.throwIfAborted();
  }
  return { coords: Int32Array.from(kept), dropped };
}

function reasonOfPixels(
  rgb: Uint8Array,
  side: number,
  { whiteThresh = 0, blackThresh = 0, blurThresh = 0 }: Filters,
): DropReason | undefined {
  const { saturation, brightest, sharpness } = measurePatch(rgb, side);
  if (saturation < whiteThresh) return 'white';
  if (brightest < blackThresh) return 'black';
  return sharpness < blurThresh ? 'blurred' : undefined;
}

/** Number of dropped patches by reason. */
export function countDropped(dropped: readonly DroppedPatch[]): Record<DropReason, number> {
  const counts = { tissue: 0, white: 0, black: 0, blurred: 0 };
  for (const { reason } of dropped) counts[reason]++;
  return counts;
}
