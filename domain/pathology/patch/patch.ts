import { join } from 'node:path';
import { writeAtomic } from '../../files/atomic.js';
import type { PatchCoords } from '../layouts/bag-files.js';
import { type Box, tissueBounds } from '../layouts/tissue-box.js';
import { nominalMagnification, tridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile, Job, JobResult, OutputFile } from '../../job.js';
import { readMagnification } from '../slides/magnification.js';
import { openSlide } from '../slides/open.js';
import { quPathOrigin } from '../annotations/qupath-origin.js';
import type { Slide } from '../slides/slide.js';
import { chooseVisLevel, PictureBuilder, readOverview, type Picture } from './tissue/overview.js';
import type { TissueParameters } from './tissue/parameters.js';
import type { TissueContour } from './tissue/contours.js';
import { readGivenOutlines, type GivenOutlines } from './outlines/given-outlines.js';
import { outlinedTissue } from './outlines/outlined-tissue.js';
import { drawLimits } from './outlines/draw-limits.js';
import { limitPatches } from './outlines/patch-limits.js';
import { patchGrid, sidesAtLevel0 } from './patch-grid.js';
import type { PatchWith } from './parameters.js';
import { choosePatchScale, type PatchScale } from './patch-scale.js';
import { processRowCells } from './process-list.js';
import { resolveParameters, readRowEffect, rowNotes } from './row-effect.js';
import { chooseLevel } from './tissue/read-tissue-level.js';
import { checkLevel, segmentTissue, type Tissue } from './tissue/find-tissue.js';
import { stitchPatches } from './stitch-patches.js';
import { drawMask } from './filter/draw-mask.js';
import { dropPatches } from './drop-patches.js';
import { findTissueByModel } from './find-tissue-by-model.js';
import { formatTissue } from './tissue/tissue-geojson.js';
import { outlineTable } from './tissue/outline-table.js';
import { OutputFiles } from './output-files.js';

const STEPS = 4;

const outputFiles = new OutputFiles();

/**
 * Finds the tissue and patches of one slide as CLAM does: outlines and mask, patch coordinates, and a picture
 * of each. A slide without tissue ends as `no_tissue`, with its mask as evidence; a slide excluded by the
 * process list ends as `tbp`.
 * @throws SamMilError InvalidInput, MissingMagnification, UnsupportedFormat, CorruptSlide, DiskFull
 */
export async function run(job: Job<PatchWith>): Promise<JobResult> {
  const { slide: file } = job.with;
  const row = readRowEffect(job);
  for (const note of rowNotes(job)) job.log('warn', note);
  const parameters = resolveParameters(job.with, row.parameters);
  if (row.leftOut) {
    return {
      files: {},
      values: collectValues(file, 'tbp', parameters),
      skip: `process is 0 in ${job.with.processList!.name}`,
    };
  }
  const slide = openSlide(file.path);
  try {
    return await patchSlide(job, slide, parameters);
  } finally {
    slide.close();
  }
}

async function patchSlide(
  job: Job<PatchWith>,
  slide: Slide,
  parameters: TissueParameters,
): Promise<JobResult> {
  const step = (done: number, note: string) => job.progress({ unit: 'steps', done, total: STEPS, note });
  for (const note of slide.info.notes ?? []) job.log('warn', note);
  const scale = choosePatchScale(slide, job.with);
  const trident = job.with.layout === 'trident' ? tridentFactsFor(job, slide, scale) : undefined;
  outputFiles.start();
  step(0, 'finding tissue');
  const outlines = readGivenOutlines(job, slide);
  const { tissue, picture } = await findTissue(job, slide, parameters, outlines?.tissue);
  step(1, `kept ${tissue.ids.length} of ${tissue.contours.length} contours`);
  const chosen = tissue.ids.map((id) => tissue.contours[id]);
  const { levels } = slide.info;
  const size = [levels[0].width, levels[0].height] as const;
  const whole = patchGrid(chosen, levels[scale.patchLevel], size, { ...parameters, ...scale });
  const grid = outlines === undefined ? whole : limited(job, slide, whole, { outlines, parameters, scale });
  const { coords, dropped, values: filtered } = await dropPatches(job, slide, tissue, grid, scale);
  const values = { ...filtered, ...(outlines && { outlines: outlines.facts }) };
  const drawn = drawMask(picture, tissue, parameters.lineThickness, dropped);
  if (outlines !== undefined) drawLimits(drawn.rgb, picture, outlines.limits, parameters.lineThickness);
  const mask = writeMaskFiles(job, slide, tissue, drawn);
  // Another thread writes the files meanwhile; its failures are handled below.
  const written: Promise<unknown>[] = [mask.written];
  try {
    const count = coords.length / 2;
    step(2, `${count} patches`);
    tellScale(job, scale);
    if (count === 0) {
      const found = { contours: tissue.contours.length, left: tissue.ids.length, ...values };
      job.log('warn', 'the slide has no patches in tissue', found);
      await mask.written;
      return {
        files: mask.files,
        values: { ...collectValues(job.with.slide, 'no_tissue', parameters), ...values },
        skip: 'no_tissue',
      };
    }
    const stitch = writeStitchFiles(job, slide, picture, coords, scale);
    written.push(stitch.written);
    const tissueBox = tissueBounds(chosen.map(({ outline }) => outline));
    written.push(writePatchFile(job, slide, scale, { coords, tissueBox, trident }));
    await Promise.all(written);
    const files = { ...mask.files, ...stitch.files, patches: patchFile(job) };
    step(STEPS, `${count} patches`);
    return {
      files,
      values: { ...collectValues(job.with.slide, 'processed', parameters, count, scale), ...values },
    };
  } finally {
    await Promise.allSettled(written);
  }
}

/** The patches that `roi` and `exclude` leave. */
function limited(
  job: Job<PatchWith>,
  slide: Slide,
  grid: Int32Array,
  given: { outlines: GivenOutlines; parameters: TissueParameters; scale: PatchScale },
): Int32Array {
  const { outlines, parameters, scale } = given;
  const { downsample } = slide.info.levels[scale.patchLevel];
  const [side] = sidesAtLevel0(scale.patchSize, downsample, scale.exact);
  const coords = limitPatches(grid, outlines.limits, side, parameters.contourFn);
  const [found, left] = [grid.length / 2, coords.length / 2];
  if (left < found) job.log('info', 'patches that `roi` and `exclude` leave', { found, left });
  return coords;
}

/** Files of one kind, and a promise that resolves when all are written. */
interface WrittenFiles {
  files: Record<string, OutputFile>;
  written: Promise<unknown>;
}

/**
 * Segments the tissue and makes the overview from the same read if both use the same level, which is the
 * default.
 */
async function findTissue(
  job: Job<PatchWith>,
  slide: Slide,
  parameters: TissueParameters,
  outlined: readonly TissueContour[] | undefined,
): Promise<{ tissue: Tissue; picture: Picture }> {
  const visLevel = chooseVisLevel(slide, parameters.visLevel);
  checkLevel(slide, visLevel);
  const { signal } = job;
  if (outlined !== undefined) {
    const tissue = outlinedTissue(slide, outlined, parameters);
    const small = outlined.length - tissue.contours.length;
    if (small > 0)
      job.log('warn', 'outlines of `tissue` are not larger than a-t and were left out', { small });
    return { tissue, picture: await readOverview(slide, visLevel, signal) };
  }
  const onProgress = (done: number, total: number) => {
    const note = `finding tissue: ${done} of ${total} pieces read`;
    if (total > 1) job.progress({ unit: 'steps', done: 0, total: STEPS, note });
  };
  if (job.with.segmentWith !== undefined) {
    const tissue = await findTissueByModel(job, slide, parameters, (done, total) => {
      const note = `finding tissue: ${done} of ${total} tiles`;
      job.progress({ unit: 'steps', done: 0, total: STEPS, note });
    });
    return { tissue, picture: await readOverview(slide, visLevel, signal) };
  }
  if (visLevel !== chooseLevel(slide, parameters.segLevel)) {
    const tissue = await segmentTissue(slide, parameters, { signal, onProgress });
    return { tissue, picture: await readOverview(slide, visLevel, signal) };
  }
  const builder = new PictureBuilder(slide, visLevel);
  const tissue = await segmentTissue(slide, parameters, { signal, onProgress, picture: builder });
  if (tissue.reduction > 1) {
    const facts = { level: tissue.segLevel, reduction: tissue.reduction };
    job.log('info', 'the segmentation level is large and was downsampled while reading', facts);
  }
  return { tissue, picture: builder.picture };
}

function tellScale(job: Job<PatchWith>, scale: PatchScale): void {
  const { slideMpp, targetMpp, patchSize, patchLevel, estimated } = scale;
  if (slideMpp === undefined || targetMpp === undefined) return;
  const facts = { slideMpp, targetMpp, patchSize, patchLevel };
  if (estimated && job.with.mpp !== undefined)
    job.log(
      'warn',
      'the slide does not state µm per pixel; the value is estimated from the objective power',
      facts,
    );
  if (slideMpp > targetMpp * 1.05)
    job.log('warn', 'the slide is coarser than the requested resolution', facts);
  else job.log('info', 'patches are read at a resolution other than level 0', facts);
}

function writeMaskFiles(
  job: Job<PatchWith>,
  slide: Slide,
  tissue: Tissue,
  picture: ReturnType<typeof drawMask>,
): WrittenFiles {
  const mask = output(job, 'masks', 'h5');
  const image = output(job, 'masks', 'jpg');
  const h5 = writeMaskFile(mask.from, tissue);
  const jpeg = outputFiles.write(image.from, { jpeg: picture });
  const written = bothWritten(h5, jpeg);
  const geojson = output(job, 'masks', 'geojson');
  writeAtomic(geojson.from, formatTissue(tissue.contours, tissue.ids, quPathOrigin(slide.info)));
  return { files: { mask, 'mask-image': image, 'tissue-geojson': geojson }, written };
}

interface CutPatches {
  coords: Int32Array;
  tissueBox?: Box;
  trident?: TridentFacts;
}

function writePatchFile(
  job: Job<PatchWith>,
  slide: Slide,
  scale: PatchScale,
  { coords, tissueBox, trident }: CutPatches,
): Promise<void> {
  const [level0, level] = [slide.info.levels[0], slide.info.levels[scale.patchLevel]];
  const file = patchFile(job);
  const patches: PatchCoords = {
    coords,
    patchSize: scale.patchSize,
    patchLevel: scale.patchLevel,
    downsample: level.downsample,
    levelDim: [level.width, level.height],
    level0Dim: [level0.width, level0.height],
    name: job.name,
    // Relative to the stage folder, because an absolute path would make the bits of the file depend on the
    // machine.
    savePath: 'patches',
    tissueBox,
    ...(trident && { trident }),
  };
  return handled(outputFiles.write(file.from, { patches }));
}

function patchFile(job: Job<PatchWith>): OutputFile {
  const file = output(job, 'patches', 'h5');
  return job.with.layout === 'trident' ? { ...file, to: `patches/${job.name}_patches.h5` } : file;
}

/** Uses the requested sides at the requested resolution, which the sides that are read only approximate. */
function tridentFactsFor({ with: wish }: Job<PatchWith>, slide: Slide, scale: PatchScale): TridentFacts {
  const { patchSize, stepSize = patchSize, slideMpp, magnification: target } = wish;
  const given = slideMpp === undefined ? undefined : nominalMagnification(slideMpp);
  const magnification = given ?? readMagnification(slide.info, slide.path);
  const size = Math.round(scale.patchSize * slide.info.levels[scale.patchLevel].downsample[0]);
  return tridentFacts({ patchSize, stepSize }, size, magnification, target);
}

function writeStitchFiles(
  job: Job<PatchWith>,
  slide: Slide,
  picture: Picture,
  coords: Int32Array,
  { patchSize, patchLevel }: PatchScale,
): WrittenFiles {
  const [x, y] = slide.info.levels[patchLevel].downsample;
  const mosaic = stitchPatches(picture, coords, [patchSize * x, patchSize * y]);
  const stitch = output(job, 'stitches', 'h5');
  const image = output(job, 'stitches', 'jpg');
  const { width, height, downsample } = picture;
  const h5 = outputFiles.write(stitch.from, { stitch: { pixels: mosaic, width, height, downsample } });
  const jpeg = outputFiles.write(image.from, { jpeg: { ...picture, rgb: mosaic } });
  return { files: { stitch, 'stitch-image': image }, written: bothWritten(h5, jpeg) };
}

function writeMaskFile(path: string, tissue: Tissue): Promise<void> {
  const { mask, width, height, segLevel, downsample } = tissue;
  const table = outlineTable(tissue.ids.map((id) => tissue.contours[id]));
  return handled(outputFiles.write(path, { mask: { ...table, mask, width, height, segLevel, downsample } }));
}

function bothWritten(first: Promise<void>, second: Promise<void>): Promise<unknown> {
  return handled(Promise.all([first, second]));
}

/**
 * Marks a promise as handled: its failure reaches everyone who awaits it, and is not reported as unhandled if
 * nobody does.
 */
function handled<T>(written: Promise<T>): Promise<T> {
  written.catch(() => undefined);
  return written;
}

function output({ scratch, name }: Job<PatchWith>, folder: string, extension: string): OutputFile {
  return { from: join(scratch, `${folder}.${extension}`), to: `${folder}/${name}.${extension}` };
}

function collectValues(
  slide: InputFile,
  status: string,
  parameters: TissueParameters,
  count = 0,
  scale?: PatchScale,
): NonNullable<JobResult['values']> {
  return {
    count,
    status,
    ...(scale && { 'patch-size': scale.patchSize, 'patch-level': scale.patchLevel }),
    parameters: processRowCells(slide.path, status, parameters),
  };
}
