import { dirname, isAbsolute, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import { createH5 } from '../../files/hdf5/h5.js';
import { requireContent } from '../../engine/store/damaged-output.js';
import { readItems } from '../../engine/store/items.js';
import type { InputFile, Job, JobResult, OutputFile } from '../../job.js';
import { encodeJpeg, type Pixels } from '../../pathology/slides/images.js';
import { openSlide } from '../../pathology/slides/open.js';
import { quPathOrigin } from '../../pathology/annotations/qupath-origin.js';
import type { Slide } from '../../pathology/slides/slide.js';
import { isFileRef } from '../../job.js';
import type { Level0Px } from '../../units.js';
import type { Region } from '../../pathology/annotations/region.js';
import { readPatchSize } from '../bags/bag-facts.js';
import { loadBag } from '../bags/bags.js';
import { coordsOf, patchRows } from '../../pathology/layouts/rows-without-groups.js';
import { readCheckpoint } from '../models/checkpoint.js';
import { formatPatches, type Point } from '../../pathology/annotations/geojson.js';
import { outlineRegions, overlayScores, slideThumbnail, type Thumbnail } from './heatmap-overlay.js';
import { lesionFit, paintScores, scaleScores } from './heatmap-scores.js';
import { memberFiles, refuseMixedMembers, sortMembers } from '../cohort/ensemble-members.js';
import { loadModel, predict, type LoadedModel } from '../models/predict.js';
import { readLesion, type AnnotatedLesion } from './annotated-lesion.js';
import { findFold, readSplits, SET_NAMES } from '../split/splits.js';
import { refuseOtherSlides } from '../split/trained-slides.js';
import { testingFold } from './testing-fold.js';
import { shownClass } from './shown-class.js';
import { meanOfSlideScores, slideScore, type SlideScore } from './slide-score.js';
import { classesOf } from '../targets/target.js';
import type { HeatmapWith } from './parameters.js';

/** One score per patch of the slide. */
interface PatchScores {
  /** N x 2, level-0 pixels. */
  coords: Int32Array;
  scores: Float32Array;
  size: Level0Px;
  /** What the model predicts for the whole slide. */
  slide: SlideScore;
  /** What the scores are, as named in the pictures and in the GeoJSON: `probability of tumor`. */
  named: string;
}

/** Scores every patch of a slide with a trained model and draws the scores over the slide. */
export async function run(job: Job<HeatmapWith>): Promise<JobResult> {
  const checkpoints = checkpointsFor(job);
  const shown = shownClass(job.with, classesOf(readCheckpoint(checkpoints[0]).target));
  const slide = openSlide(job.with.slide.path);
  try {
    return await scoreSlide(job, slide, { checkpoints, shown });
  } finally {
    slide.close();
  }
}

/** The checkpoints, and the class whose probability is the score; undefined for attention. */
interface Scoring {
  checkpoints: readonly string[];
  shown: string | undefined;
}

async function scoreSlide(job: Job<HeatmapWith>, slide: Slide, scoring: Scoring): Promise<JobResult> {
  const { checkpoints, shown } = scoring;
  const { score } = job.with;
  const origin = quPathOrigin(slide.info);
  const lesion = readLesion(job, origin);
  const model = await loadModel(checkpoints[0], job.with.backend);
  try {
    const first = scorePatches(job, model, shown);
    const patches = await meanOfCheckpoints(job, first, { checkpoints: checkpoints.slice(1), shown });
    job.progress({ unit: 'steps', done: 1, total: 3, note: `${patches.scores.length} patches scored` });
    const thumbnail = await slideThumbnail(slide, job.with.longest);
    job.signal.throwIfAborted();
    job.progress({ unit: 'steps', done: 2, total: 3, note: 'slide read' });
    const pictures = await drawPictures(job, patches, thumbnail, lesion?.regions ?? []);
    const files = { ...writeData(job, patches, shown, origin), ...pictures };
    job.progress({ unit: 'steps', done: 3, total: 3 });
    const style = {
      score,
      ...(shown === undefined ? {} : { class: shown }),
      scale: chooseScale(job.with),
      colormap: job.with.colormap,
    };
    return { files, values: { ...style, ...collectValues(job, model, patches, lesion) } };
  } finally {
    model.dispose();
  }
}

/** The mean of the patch scores of several checkpoints, for a slide that none of them was trained on. */
async function meanOfCheckpoints(
  job: Job<HeatmapWith>,
  first: PatchScores,
  { checkpoints, shown }: Scoring,
): Promise<PatchScores> {
  const all = [first];
  for (const checkpoint of checkpoints) {
    const model = await loadModel(checkpoint, job.with.backend);
    try {
      all.push(scorePatches(job, model, shown));
    } finally {
      model.dispose();
    }
  }
  const mean = (of: (patches: PatchScores) => number) =>
    all.reduce((sum, patches) => sum + of(patches), 0) / all.length;
  return {
    ...first,
    scores: first.scores.map((_, i) => mean(({ scores }) => scores[i])),
    slide: meanOfSlideScores(all.map(({ slide }) => slide)),
  };
}

/**
 * Selects the requested checkpoint or, among the checkpoints of all folds, that of {@link testingFold}.
 * Without splits, no fold knows the slide, and all checkpoints score it together.
 */
function checkpointsFor(job: Job<HeatmapWith>): string[] {
  const { checkpoints, splits } = job.with;
  if (job.with.checkpoint === undefined && checkpoints !== undefined && splits === undefined) {
    const members = memberFiles(job.with, job.work).map((file) => ({
      ...file,
      head: readCheckpoint(file.path),
    }));
    refuseMixedMembers(sortMembers(members));
    return members.map(({ path }) => path);
  }
  return [checkpointFor(job).path];
}

function checkpointFor({ with: options, name, work }: Job<HeatmapWith>): Pick<InputFile, 'path'> {
  const { checkpoint, checkpoints, splits, repeat } = options;
  if ((checkpoint === undefined) === (checkpoints === undefined)) {
    throw new SamMilError('InvalidInput', 'set either `checkpoint` or `checkpoints`', {
      found: checkpoint === undefined ? 'neither' : 'both',
    });
  }
  if (checkpoint !== undefined) return checkpoint;
  const fold = testingFold(readSplits(splits!.path), repeat, name);
  const items = readItems(checkpoints!.path).filter(({ status }) => status === 'done');
  const found = items.flatMap(({ outputs }) => (isFileRef(outputs.checkpoint) ? [outputs.checkpoint] : []));
  for (const { path, digest } of found) {
    const absolute = isAbsolute(path) ? path : join(work, path);
    requireContent(absolute, digest);
    const { training } = readCheckpoint(absolute);
    if (training.repeat === repeat && training.fold === fold) return { path: absolute };
  }
  throw new SamMilError('InvalidInput', `no checkpoint of repeat ${repeat}, fold ${fold}`, {
    expected: `one of the ${found.length} given checkpoints`,
    next: 'train that fold, or set `repeat`',
  });
}

/**
 * Group rows are part of the bag, as in training, but have no position on the slide. Their scores are
 * omitted.
 */
function scorePatches(
  { with: options }: Job<HeatmapWith>,
  model: LoadedModel,
  shown: string | undefined,
): PatchScores {
  const entry = { features: options.bag.path, ...(options.samInfo ? { samInfo: options.samInfo.path } : {}) };
  const bag = loadBag(entry, { groupFeatures: model.groupFeatures });
  const prediction = predict(model, bag);
  const { attention, instanceProbabilities } = prediction;
  const patches = patchRows(bag.isGroup);
  if (patches.length === 0) {
    throw new SamMilError('InvalidInput', 'the bag has no patches to show', { file: options.bag.path });
  }
  refuseUnplaced(options.bag.path, bag.coords, patches);
  const classes = model.classes.length;
  const column = shown === undefined ? -1 : model.classes.indexOf(shown);
  const readScore = (row: number) =>
    column < 0 ? attention[row] : instanceProbabilities[row * classes + column];
  return {
    coords: coordsOf(bag.coords, patches),
    scores: Float32Array.from(patches, readScore),
    size: readPatchSize(options.bag.path, options.patchSizeLevel0),
    slide: slideScore(prediction, model.target, column),
    named: shown === undefined ? options.score : `probability of ${shown}`,
  };
}

/** A bare tensor without a sam_info has no coordinates: all its patches would be drawn in one corner. */
function refuseUnplaced(file: string, coords: Int32Array, patches: Int32Array): void {
  const [first] = patches;
  const elsewhere = (row: number) =>
    coords[2 * row] !== coords[2 * first] || coords[2 * row + 1] !== coords[2 * first + 1];
  if (patches.length === 1 || patches.some(elsewhere)) return;
  throw new SamMilError('InvalidInput', 'the bag does not state where its patches are', {
    file,
    expected: 'coords in an h5 file, or a `sam-info` for a .pt file',
    found: `${patches.length} patches, all at ${coords[2 * first]}, ${coords[2 * first + 1]}`,
  });
}

function chooseScale({ scale, score }: HeatmapWith): NonNullable<HeatmapWith['scale']> {
  return scale ?? (score === 'attention' ? 'rank' : 'none');
}

async function drawPictures(
  job: Job<HeatmapWith>,
  { coords, scores, size, named }: PatchScores,
  thumbnail: Thumbnail,
  regions: readonly Region[],
): Promise<Record<string, OutputFile>> {
  const { smooth, colormap } = job.with;
  const heat = paintScores(coords, scaleScores(scores, chooseScale(job.with)), size, thumbnail, smooth);
  const write = async (folder: string, picture: Pixels, description?: string) => {
    const outlined = await outlineRegions(picture, regions, thumbnail.scale);
    return output(job, `${folder}/${job.name}.jpg`, await encodeJpeg(outlined, 88, description));
  };
  return {
    thumbnail: await write('thumbnails', thumbnail),
    overlay: await write('overlays', overlayScores(thumbnail, heat, 'cyan'), named),
    'overlay-map': await write('overlay_maps', overlayScores(thumbnail, heat, colormap), named),
  };
}

function writeData(
  job: Job<HeatmapWith>,
  { coords, scores, size, named }: PatchScores,
  shown: string | undefined,
  origin: Point,
): Record<string, OutputFile> {
  const from = join(makeScratchFolder(job.scratch, 'scores'), `${job.name}.h5`);
  const file = createH5(from);
  try {
    const attributes = { score: job.with.score, ...(shown === undefined ? {} : { class: shown }) };
    file.write('scores', scores, [scores.length], { attributes });
    file.write('coords', BigInt64Array.from(coords, BigInt), [scores.length, 2], {
      attributes: { patch_size_level0: size },
    });
    file.close();
  } catch (error) {
    file.abort();
    throw error;
  }
  return {
    scores: { from, to: `scores/${job.name}.h5` },
    geojson: output(
      job,
      `geojson/${job.name}.geojson`,
      formatPatches(coords, size, { [named]: scores }, origin),
    ),
  };
}

function output(job: Job<HeatmapWith>, to: string, content: string | Uint8Array): OutputFile {
  const from = join(job.scratch, to);
  makeScratchFolder(job.scratch, dirname(to));
  writeAtomic(from, content);
  return { from, to };
}

function collectValues(
  job: Job<HeatmapWith>,
  model: LoadedModel,
  { coords, scores, size, slide }: PatchScores,
  lesion: AnnotatedLesion | undefined,
): NonNullable<JobResult['values']> {
  const common = { patches: scores.length, ...slide, ...findSet(job, model) };
  if (lesion === undefined) return { ...common, 'lesion-auc': null };
  const fit = lesionFit(coords, scores, size, lesion.regions);
  return {
    ...common,
    annotated: lesion.facts,
    'lesion-auc': fit.auc,
    'lesion-patches': fit.inLesion,
    'lesion-share': fit.inLesion / fit.patches,
    'score-in-lesion': fit.massInLesion,
  };
}

/** The set of this slide in training, and its label. A heatmap of a training slide proves little. */
function findSet(
  { with: { splits: file, checkpoint, checkpoints }, name }: Job<HeatmapWith>,
  { training }: LoadedModel,
): { set?: string; label?: string } {
  if (file === undefined || typeof training.repeat !== 'number' || typeof training.fold !== 'number')
    return {};
  const splits = readSplits(file.path);
  const fold = findFold(splits, training.repeat, training.fold);
  refuseOtherSlides(training, { splits, fold }, checkpoint ?? checkpoints!);
  const set = SET_NAMES.find((member) => fold[member].includes(name));
  const labeled = splits.endpoint === 'classification' && Object.hasOwn(splits.labels, name);
  const label = labeled ? splits.classes[splits.labels[name]] : undefined;
  return { ...(set ? { set } : {}), ...(label ? { label } : {}) };
}
