import type { Job } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { Slide } from '../slides/slide.js';
import type { PatchWith } from './parameters.js';
import type { PatchScale } from './patch-scale.js';
import type { Tissue } from './tissue/find-tissue.js';
import type { Dropped } from './filter/draw-dropped.js';
import {
  countDropped,
  DROP_REASONS,
  type DropReason,
  filterPatches,
  hasFilters,
} from './filter/filter-patches.js';

/** The patches that remain, what the mask picture shows of the others, and the outputs that count them. */
export interface RemainingPatches {
  coords: Int32Array;
  /** Undefined without filters and without artifacts, so that nothing is drawn. */
  dropped?: Dropped;
  values: JsonObject;
}

/**
 * Applies the filters of a step to the patches of the grid.
 * @throws SamMilError as {@link filterPatches}
 */
export async function dropPatches(
  job: Job<PatchWith>,
  slide: Slide,
  tissue: Tissue,
  grid: Int32Array,
  scale: PatchScale,
): Promise<RemainingPatches> {
  const artifacts = artifactShare(tissue);
  const values: JsonObject = artifacts === undefined ? {} : { 'artifact-share': artifacts };
  const { patchSize, patchLevel } = scale;
  const [x, y] = slide.info.levels[patchLevel].downsample;
  const shown = { size: [patchSize * x, patchSize * y], reasons: reasonsOf(job.with) } as const;
  if (!hasFilters(job.with)) {
    return { coords: grid, values, ...(artifacts !== undefined && { dropped: { ...shown, patches: [] } }) };
  }
  const { coords, dropped } = await filterPatches(slide, tissue, grid, scale, job.with, {
    signal: job.signal,
    progress: (done, total) =>
      job.progress({ unit: 'patches', done, total, note: `filtering patches: ${done} of ${total}` }),
  });
  const counts = { ...countDropped(dropped) };
  if (dropped.length > 0) job.log('info', `dropped ${dropped.length} of ${grid.length / 2} patches`, counts);
  return { coords, dropped: { ...shown, patches: dropped }, values: { ...values, dropped: counts } };
}

function reasonsOf({ minTissue, whiteThresh, blackThresh, blurThresh }: PatchWith): DropReason[] {
  const given = { tissue: minTissue, white: whiteThresh, black: blackThresh, blurred: blurThresh };
  return DROP_REASONS.filter((reason) => given[reason] !== undefined);
}

/** Share of what a model found to be tissue or artifact that is artifact. */
function artifactShare({ mask, artifacts }: Tissue): number | undefined {
  if (artifacts === undefined) return undefined;
  const tissue = mask.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
  const removed = artifacts.reduce((sum, value) => sum + value, 0);
  return removed === 0 ? 0 : removed / (tissue + removed);
}
