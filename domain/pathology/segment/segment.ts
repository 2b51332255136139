import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import { readMask, readPatches } from '../layouts/bag-files.js';
import type { Point } from '../annotations/geojson.js';
import { type Box, tissueBounds } from '../layouts/tissue-box.js';
import { type Segments, writeSegments, writeSegmentsPickle } from '../layouts/segments-file.js';
import type { Job, JobResult, OutputFile } from '../../job.js';
import { canonicalJson, type Json } from '../../json.js';
import { checkPatches } from '../slides/check-patches.js';
import { encodeJpeg } from '../slides/images.js';
import { openSlide } from '../slides/open.js';
import { quPathOrigin } from '../annotations/qupath-origin.js';
import type { Slide } from '../slides/slide.js';
import { drawOverlay } from './overlay.js';
import { patchBounds, planSamImage, readSamImage, type SamImage } from './sam-image.js';
import type { SegmenterDefinition, SegmenterInfo } from './segmenter/segmenter.js';
import { keyOfSegmenter, segmenterWithWeights } from './segmenters.js';
import { formatSegments } from './segments-geojson.js';
import type { SegmentWith } from './parameters.js';

/**
 * Segments the tissue of one slide: reads the box of all tissue as one image of at most 1024 pixels per side,
 * segments it, and writes the masks as run lengths (h5), for Python (pickle) and as a picture.
 * @throws SamMilError InvalidInput, WeightsMissing, UnsupportedFormat, CorruptSlide
 */
export async function run(job: Job<SegmentWith>): Promise<JobResult> {
  const segmenter = await findTheSegmenter(job);
  const { image, patchSize, origin } = readImage(job.with);
  job.signal.throwIfAborted();
  const found = await segmenter.segment(image, job.with, {
    signal: job.signal,
    checkpoint: job.checkpoint,
    device: job.with.device,
    threads: job.with.threads,
    progress: (done, total, note) => job.progress({ unit: 'crops', done, total, note }),
    log: (line) => job.log('info', line),
  });
  job.signal.throwIfAborted();
  // SAM keeps the largest island of every mask, however small. Such masks are dropped here, as in the script
  // of SAM-MIL.
  const masks = found.filter(({ area }) => area >= job.with.minMaskRegionArea);
  if (masks.length === 0)
    job.log('warn', 'no regions were found, so there are no groups', { slide: job.with.slide.name });
  const { startX, startY, stopX, stopY, visLevel, downsampleRatio, width: w, height: h } = image;
  const info = { patchSize, startX, startY, stopX, stopY, w, h, visLevel, downsampleRatio };
  return write(job, image, { info, masks }, origin);
}

async function findTheSegmenter(job: Job<SegmentWith>): Promise<SegmenterDefinition> {
  const segmenter = await segmenterWithWeights(job.with.segmenter, (line) => job.log('info', line));
  const { info } = segmenter;
  refuseOther(info, job.hidden?.segmenter);
  job.log('info', `segmenter ${info.name}`, { note: info.note });
  return segmenter;
}

/**
 * Weights can be replaced after the cache key was computed. Masks of one model must not be stored under the
 * key of another.
 */
function refuseOther(info: SegmenterInfo, expected: Json | undefined): void {
  const found = keyOfSegmenter(info);
  if (expected === undefined || canonicalJson(found) === canonicalJson(expected)) return;
  throw new SamMilError('Unavailable', 'the segmenter changed after the step was prepared', {
    expected: canonicalJson(expected),
    found: canonicalJson(found),
    next: 'the step is retried; run `npx sam-mil models verify` on each worker',
  });
}

/** Reads the SAM image of the tissue, the side of a patch in level-0 pixels, and the origin of QuPath. */
function readImage(options: SegmentWith): { image: SamImage; patchSize: number; origin: Point } {
  const slide = openSlide(options.slide.path);
  try {
    const { box, patchSize } = tissueBox(options, slide);
    return {
      image: readSamImage(slide, planSamImage(slide.info.levels, box, options.patches.path)),
      patchSize,
      origin: quPathOrigin(slide.info),
    };
  } finally {
    slide.close();
  }
}

/**
 * Returns the box of the tissue outlines from the mask or else the patches file; if neither states it, the
 * box of the patches, which cover the tissue.
 */
function tissueBox({ patches: file, mask }: SegmentWith, slide: Slide): { box: Box; patchSize: number } {
  const patches = readPatches(file.path);
  checkPatches(patches, file.path, slide);
  const { coords, patchSize, patchLevel, tissueBox: stated } = patches;
  const level = slide.info.levels[patchLevel];
  const size = level.downsample.map((scale) => Math.trunc(patchSize * scale)) as [number, number];
  const box = (mask ? tissueBounds([readMask(mask.path).points]) : stated) ?? patchBounds(coords, size);
  return { box, patchSize: size[0] };
}

async function write(
  job: Job<SegmentWith>,
  image: SamImage,
  segments: Segments,
  origin: Point,
): Promise<JobResult> {
  const output = (folder: string, extension: string): OutputFile => {
    makeScratchFolder(job.scratch, folder);
    const to = `${folder}/${job.name}.${extension}`;
    return { from: join(job.scratch, to), to };
  };
  const files: Record<string, OutputFile> = {
    segments: output('segments', 'h5'),
    overlay: output('overlays', 'jpg'),
  };
  writeSegments(files.segments.from, segments);
  if (job.with.pickle) {
    files['segments-pickle'] = output('segments', 'pkl');
    writeSegmentsPickle(files['segments-pickle'].from, segments);
  }
  if (job.with.geojson) {
    files['segments-geojson'] = output('segments', 'geojson');
    writeAtomic(files['segments-geojson'].from, formatSegments(segments, image.total, origin));
  }
  const { width, height } = image;
  const picture = { data: drawOverlay(image, segments.masks), width, height, channels: 3 as const };
  writeAtomic(files.overlay.from, await encodeJpeg(picture));
  return { files, values: { count: segments.masks.length } };
}
