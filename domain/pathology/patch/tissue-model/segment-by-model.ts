import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../../../files/atomic.js';
import { makeScratchFolder } from '../../../files/make-folders.js';
import type { Slide } from '../../slides/slide.js';
import { ResampledSlide } from './resampled-slide.js';
import { planTiles, type TilePlan } from './tile-plan.js';
import type { TissueFile } from './tissue-file.js';
import type { TileScores, TissueNetwork } from './tissue-network.js';

/** What a pixel of the mask is. */
export const BACKGROUND = 0;
export const TISSUE = 1;
export const ARTIFACT = 2;

/** The classes of a slide, at the resolution of the model's output or coarser. */
export interface ModelMask {
  /** {@link BACKGROUND}, {@link TISSUE} or {@link ARTIFACT}; height x width. */
  classes: Uint8Array;
  width: number;
  height: number;
  /** Level that was read. */
  level: number;
  /** Level-0 pixels per pixel and axis. */
  downsample: readonly [number, number];
  /** Pixels of the model's output per pixel and axis. */
  reduction: number;
}

export interface ModelWork {
  network: TissueNetwork;
  file: TissueFile;
  /** Level-0 pixels per pixel of the model. */
  downsample: number;
  signal: AbortSignal;
  /** Folder that survives a kill: finished rows of tiles are stored here and not computed again. */
  checkpoint: string;
  progress(done: number, total: number): void;
  /** Masks with more pixels are averaged. */
  limit?: number;
}

/**
 * Runs a model over a slide in overlapping tiles. Only the middle of each tile counts, so a model that sees
 * no farther than `margin` gives the same mask as on the whole slide at once. A mask pixel is tissue if the
 * mean of the tissue score in it is at least the threshold and that of the artifact score is not.
 *
 * Memory, for a slide of any size: 200 MB at most for tile sizes up to 1024 (the mask of at most 16 million
 * pixels, two tiles, one row of tiles of the mask), and what the network needs for one tile.
 *
 * @throws SamMilError as reading and as the network; the reason of the signal when it is aborted
 */
export async function segmentByModel(slide: Slide, work: ModelWork): Promise<ModelMask> {
  const { network, file, downsample, limit } = work;
  const image = new ResampledSlide(slide, downsample);
  const { size, margin } = file;
  const plan = planTiles([image.width, image.height], { size, margin, stride: network.stride }, limit);
  const classes = new Uint8Array(plan.maskWidth * plan.maskHeight);
  const rowsPerBand = plan.core / (plan.stride * plan.reduction);
  for (let row = 0; row < plan.rows; row++) {
    const start = row * rowsPerBand * plan.maskWidth;
    const band = classes.subarray(start, Math.min(classes.length, start + rowsPerBand * plan.maskWidth));
    await keptBand(work, row, band, () => computeBand(image, plan, row, band, work));
    work.progress((row + 1) * plan.columns, plan.rows * plan.columns);
  }
  const side = downsample * plan.stride * plan.reduction;
  return {
    classes,
    width: plan.maskWidth,
    height: plan.maskHeight,
    level: image.level,
    downsample: [side, side],
    reduction: plan.reduction,
  };
}

/** Takes a row of tiles from the checkpoint, or computes and stores it. */
async function keptBand(
  { checkpoint, network }: ModelWork,
  row: number,
  band: Uint8Array,
  compute: () => Promise<void>,
): Promise<void> {
  // Devices differ in the last bits, so a mask must be computed on one device.
  const folder = `tissue-${network.provider.name}`;
  const path = join(checkpoint, folder, `${row}.bin`);
  const kept = existsSync(path) ? readFileSync(path) : undefined;
  if (kept?.length === band.length) {
    band.set(kept);
    return;
  }
  await compute();
  makeScratchFolder(checkpoint, folder);
  writeAtomic(path, band);
}

/** Reads the next tile while the network computes the last one. */
async function computeBand(
  image: ResampledSlide,
  plan: TilePlan,
  row: number,
  band: Uint8Array,
  work: ModelWork,
): Promise<void> {
  const { network, file, signal } = work;
  const read = (column: number) =>
    image.read(column * plan.core - plan.lead, row * plan.core - plan.lead, plan.size);
  let tile = read(0);
  for (let column = 0; column < plan.columns; column++) {
    signal.throwIfAborted();
    const scoring = network.score(tile);
    // A failure of the network must not be unhandled while the next tile is read.
    scoring.catch(() => undefined);
    if (column + 1 < plan.columns) tile = read(column + 1);
    placeTile(await scoring, plan, column, band, file.threshold);
    work.progress(row * plan.columns + column + 1, plan.rows * plan.columns);
  }
}

function placeTile(
  { tissue, artifact }: TileScores,
  { size, lead, core, stride, reduction, maskWidth }: TilePlan,
  column: number,
  band: Uint8Array,
  threshold: number,
): void {
  const [outputSide, start] = [size / stride, lead / stride];
  const cells = core / (stride * reduction);
  const left = column * cells;
  const mean = (scores: Float32Array, x: number, y: number): number => {
    let sum = 0;
    for (let dy = 0; dy < reduction; dy++) {
      const from = (start + y * reduction + dy) * outputSide + start + x * reduction;
      for (let dx = 0; dx < reduction; dx++) sum += scores[from + dx];
    }
    return sum / reduction ** 2;
  };
  for (let y = 0; y < Math.min(cells, band.length / maskWidth); y++) {
    for (let x = 0; x < Math.min(cells, maskWidth - left); x++) {
      const is =
        mean(artifact, x, y) >= threshold ? ARTIFACT : mean(tissue, x, y) >= threshold ? TISSUE : BACKGROUND;
      band[y * maskWidth + left + x] = is;
    }
  }
}
