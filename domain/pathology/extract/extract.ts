import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import { type PatchCoords, readPatches } from '../layouts/bag-files.js';
import { tridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile, Job, JobResult } from '../../job.js';
import { canonicalJson, type JsonObject } from '../../json.js';
import { checkPatches } from '../slides/check-patches.js';
import { readMagnification } from '../slides/magnification.js';
import { openSlide } from '../slides/open.js';
import type { SlideInfo } from '../slides/slide.js';
import type { BagFacts } from '../features/bag-layout.js';
import { BatchStore } from './batch-store.js';
import type { Provider } from '../../machine/onnx/onnx-session.js';
import { type OpenEncoder, resizedSide } from './encoders/encoder.js';
import { keyOfEncoder } from './encoders/encoders.js';
import { encodePatches } from './encode-patches.js';
import { scaleOfPatches, unexpectedPatches } from './expected-patches.js';
import { findGroups } from '../features/patch-groups.js';
import { precisionFact } from './encoders/resolve-precision.js';
import { type OpenedEncoder, openEncoders } from './open-encoders.js';
import { writeBag } from '../features/write-bag.js';
import type { ExtractWith } from './parameters.js';
import type { PatchFit } from './patch-reader.js';

/**
 * Encodes the patches of one slide to a bag, or to one bag per encoder: reads, resizes and encodes them batch
 * by batch, keeps finished batches in the checkpoint folder, then adds group rows and writes h5_files,
 * pt_files, seg_files and sam_info. After a kill, it resumes from the last batch and writes the same bytes.
 * @throws SamMilError InvalidInput, CountMismatch, MissingMagnification, WeightsMissing, CorruptSlide
 */
export async function run(job: Job<ExtractWith>): Promise<JobResult> {
  const { with: options } = job;
  const patches = readPatches(options.patches.path);
  const stamp = readStamp(options.slide.path);
  const slide = inspectSlide(options.slide.path);
  checkPatches(patches, options.patches.path, { path: options.slide.path, info: slide });
  const scale = scaleOfPatches(patches, slide, options.slide.path);
  const facts = collectFacts(job, patches, slide, scale?.mpp);
  const groups = options.segments && findGroups(options.segments.path, patches, slide);
  const opened = await openEncoders(job);
  for (const { encoder } of opened) {
    const unexpected = scale && unexpectedPatches(encoder.info, scale);
    if (unexpected !== undefined) job.log('warn', unexpected);
  }
  const stores = opened.map((one) => openStore(job, patches, one));
  const decoders = slide.costlyToOpen ? 1 : decodeThreads(options.threads, opened[0].encoder.provider);
  const fits = new FitList();
  await encodePatches({
    lanes: opened.map(({ encoder }, i) => ({ encoder, store: stores[i], fit: fits.add(encoder) })),
    source: {
      slide: options.slide.path,
      level: patches.patchLevel,
      patchSize: patches.patchSize,
      fits: fits.list,
      cacheBytes: Math.min(MOST_CACHE, Math.floor(ALL_CACHES / decoders)),
    },
    coords: patches.coords,
    decodeThreads: decoders,
    signal: job.signal,
    progress: (done, total) => job.progress({ unit: 'patches', done, total }),
  });
  if (readStamp(options.slide.path) !== stamp) throw replaced(options.slide.path);
  // Readers of TRIDENT files treat every row as a patch.
  const withGroups = options.groupFeatures ?? (groups !== undefined && options.layout !== 'trident');
  const written = opened.map((one, i) =>
    writeBag({
      name: job.name,
      folder: job.scratch,
      layout: options.layout,
      coords: patches.coords,
      features: {
        rows: patches.coords.length / 2,
        dim: one.encoder.info.dim,
        blocks: () => stores[i].blocks(),
      },
      facts: facts(one),
      groups,
      withGroups,
      ...(options.store && { store: options.store }),
      ...(one.label !== undefined && { label: one.label }),
    }),
  );
  const details = describeDevices(opened.map(({ encoder }) => encoder));
  return {
    files: Object.assign({}, ...written.map(({ files }) => files)) as JobResult['files'],
    values: { ...(Object.assign({}, ...written.map(({ values }) => values)) as JsonObject), ...details },
  };
}

/** The outputs about encoders; several encoders are separated by commas. */
function describeDevices(encoders: readonly OpenEncoder[]): Record<string, string> {
  const join = (of: (encoder: OpenEncoder) => string): string => [...new Set(encoders.map(of))].join(', ');
  return {
    encoder: join(({ info }) => info.name),
    provider: join(({ provider }) => provider.name),
    'provider-reason': join(({ provider }) => provider.why),
  };
}

/** How the encoders get their patches, each way once. */
class FitList {
  readonly list: PatchFit[] = [];

  /** Returns the index of the encoder's patches. */
  add({ info, size }: OpenEncoder): number {
    const fit = { size, resize: info.resize, resizeTo: resizedSide(info, size) };
    const known = this.list.findIndex((other) => canonicalJson(other) === canonicalJson(fit));
    return known < 0 ? this.list.push(fit) - 1 : known;
  }
}

/**
 * @throws SamMilError MissingMagnification if TRIDENT's layout is requested and neither patches nor slide
 * state the magnification
 */
function collectFacts(
  { with: { layout, slide: file } }: Job<ExtractWith>,
  patches: PatchCoords,
  slide: SlideInfo,
  mpp: number | undefined,
) {
  const trident =
    layout === 'trident' ? (patches.trident ?? tridentFactsOfPatches(patches, slide, file)) : undefined;
  return ({ encoder, precision }: OpenedEncoder): BagFacts => ({
    patches,
    level0Dim: patches.level0Dim,
    slideName: patches.name,
    encoder: {
      encoder: encoder.info.name,
      encoder_version: encoder.info.version,
      encoder_weights: encoder.info.weightsDigest ?? 'none',
      encoder_input_size: encoder.size,
      ...precisionFact(precision),
    },
    ...(mpp !== undefined && { mpp }),
    ...(trident && { trident }),
  });
}

function tridentFactsOfPatches(patches: PatchCoords, slide: SlideInfo, file: InputFile): TridentFacts {
  const magnification = readMagnification(slide, file.path);
  const size = Math.round(patches.patchSize * slide.levels[patches.patchLevel].downsample[0]);
  return tridentFacts({ patchSize: patches.patchSize, stepSize: patches.patchSize }, size, magnification);
}

/** Several encoders have a folder each, so that an attempt resumes all of them. */
function openStore(
  job: Job<ExtractWith>,
  patches: PatchCoords,
  { encoder, precision, label }: OpenedEncoder,
): BatchStore {
  const { coords, patchSize, patchLevel } = patches;
  const rows = coords.length / 2;
  const identity = {
    encoder: keyOfEncoder(encoder.info),
    size: encoder.size,
    ...precisionFact(precision),
    // Devices differ in the last bits, so a bag must be computed on one device.
    provider: encoder.provider.name,
    slide: job.with.slide.digest,
    coords: digestOf(new Uint8Array(coords.buffer, coords.byteOffset, coords.byteLength)),
    patchSize,
    patchLevel,
  };
  if (label !== undefined) makeScratchFolder(job.checkpoint, label);
  const folder = label === undefined ? job.checkpoint : join(job.checkpoint, label);
  return new BatchStore(folder, { rows, dim: encoder.info.dim, batchSize: job.with.batchSize }, identity);
}

function inspectSlide(path: string): SlideInfo {
  const slide = openSlide(path);
  try {
    return slide.info;
  } finally {
    slide.close();
  }
}

/** Maximum bytes of cached tiles per decoder (the default of OpenSlide) and for all decoders. */
const [MOST_CACHE, ALL_CACHES] = [32 << 20, 128 << 20];

/**
 * Maximum decoding threads, limited because each has its own slide handle in memory. An accelerator needs
 * more to stay busy.
 */
const MOST_DECODERS = { cpu: 8, accelerator: 16 } as const;

/** All cores decode. If the encoder also needs them, decoders soon get ahead and wait. */
function decodeThreads(threads: number | undefined, provider: Provider): number {
  const most = provider.name === 'cpu' ? MOST_DECODERS.cpu : MOST_DECODERS.accelerator;
  return Math.min(most, threads ?? availableParallelism());
}

function readStamp(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${size} ${mtimeMs} ${ino}`;
}

function replaced(path: string): SamMilError {
  return new SamMilError('InvalidInput', 'the slide was replaced while it was being read', {
    file: path,
    next: 'resume the run when the file is complete; the step restarts with the new content',
  });
}
