import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { type PatchCoords, readPatches } from '../layouts/bag-files.js';
import { tridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile, Job, JobResult } from '../../job.js';
import { canonicalJson, type Json } from '../../json.js';
import { checkPatches } from '../slides/check-patches.js';
import { readMagnification } from '../slides/magnification.js';
import { openSlide } from '../slides/open.js';
import type { SlideInfo } from '../slides/slide.js';
import type { BagFacts } from '../features/bag-layout.js';
import { BatchStore } from './batch-store.js';
import type { Provider } from '../../machine/onnx/onnx-session.js';
import { noteDevice } from '../../machine/usage.js';
import { type EncoderInfo, type OpenEncoder, resizedSide } from './encoders/encoder.js';
import { chooseEncoder, keyOfEncoder } from './encoders/encoders.js';
import { encodePatches } from './encode-patches.js';
import { scaleOfPatches, unexpectedPatches } from './expected-patches.js';
import { findGroups } from '../features/patch-groups.js';
import { sharedEncoder } from './encoders/shared-encoder.js';
import { writeBag } from '../features/write-bag.js';
import type { ExtractWith } from './parameters.js';

/**
 * Encodes the patches of one slide to a bag: reads, resizes and encodes them batch by batch, keeps finished
 * batches in the checkpoint folder, then adds group rows and writes h5_files, pt_files, seg_files and
 * sam_info. After a kill, it resumes from the last batch and writes the same bytes.
 * @throws SamMilError InvalidInput, CountMismatch, MissingMagnification, WeightsMissing, CorruptSlide
 */
export async function run(job: Job<ExtractWith>): Promise<JobResult> {
  const { with: options } = job;
  const patches = readPatches(options.patches.path);
  const stamp = readStamp(options.slide.path);
  const slide = inspectSlide(options.slide.path);
  checkPatches(patches, options.patches.path, { path: options.slide.path, info: slide });
  const facts = collectFacts(job, patches, slide);
  const groups = options.segments && findGroups(options.segments.path, patches, slide);
  const encoder = await openEncoder(job);
  const scale = scaleOfPatches(patches, slide, options.slide.path);
  const unexpected = scale && unexpectedPatches(encoder.info, scale);
  if (unexpected !== undefined) job.log('warn', unexpected);
  const store = openStore(job, patches, encoder);
  const decoders = slide.costlyToOpen ? 1 : decodeThreads(options.threads, encoder.provider);
  await encodePatches({
    source: {
      slide: options.slide.path,
      level: patches.patchLevel,
      patchSize: patches.patchSize,
      size: encoder.size,
      resize: encoder.info.resize,
      resizeTo: resizedSide(encoder.info, encoder.size),
      cacheBytes: Math.min(MOST_CACHE, Math.floor(ALL_CACHES / decoders)),
    },
    coords: patches.coords,
    encoder,
    store,
    decodeThreads: decoders,
    signal: job.signal,
    progress: (done, total) => job.progress({ unit: 'patches', done, total }),
  });
  if (readStamp(options.slide.path) !== stamp) throw replaced(options.slide.path);
  const { name, scratch: folder } = job;
  const features = {
    rows: patches.coords.length / 2,
    dim: encoder.info.dim,
    blocks: () => store.blocks(),
  };
  // Readers of TRIDENT files treat every row as a patch.
  const withGroups = options.groupFeatures ?? (groups !== undefined && options.layout !== 'trident');
  const bag = {
    name,
    folder,
    layout: options.layout,
    coords: patches.coords,
    features,
    facts: facts(encoder),
  };
  const { files, values } = writeBag({ ...bag, groups, withGroups });
  const { name: provider, why } = encoder.provider;
  const details = { encoder: encoder.info.name, provider, 'provider-reason': why };
  return { files, values: { ...values, ...details } };
}

/**
 * @throws SamMilError MissingMagnification if TRIDENT's layout is requested and neither patches nor slide
 * state the magnification
 */
function collectFacts(
  { with: { layout, slide: file } }: Job<ExtractWith>,
  patches: PatchCoords,
  slide: SlideInfo,
) {
  const trident =
    layout === 'trident' ? (patches.trident ?? tridentFactsOfPatches(patches, slide, file)) : undefined;
  return (encoder: OpenEncoder): BagFacts => ({
    patches,
    level0Dim: patches.level0Dim,
    slideName: patches.name,
    encoder: {
      encoder: encoder.info.name,
      encoder_version: encoder.info.version,
      encoder_weights: encoder.info.weightsDigest ?? 'none',
      encoder_input_size: encoder.size,
    },
    ...(trident && { trident }),
  });
}

function tridentFactsOfPatches(patches: PatchCoords, slide: SlideInfo, file: InputFile): TridentFacts {
  const magnification = readMagnification(slide, file.path);
  const size = Math.round(patches.patchSize * slide.levels[patches.patchLevel].downsample[0]);
  return tridentFacts({ patchSize: patches.patchSize, stepSize: patches.patchSize }, size, magnification);
}

async function openEncoder(job: Job<ExtractWith>): Promise<OpenEncoder> {
  const { encoder: requested, fallback, device, threads, targetSize } = job.with;
  const { definition, fallbackBecause } = await chooseEncoder(requested, fallback, (line) =>
    job.log('info', line),
  );
  refuseOther(definition.info, job.hidden?.encoder);
  if (fallbackBecause !== undefined) {
    job.log('warn', `using fallback encoder ${definition.info.name}: ${fallbackBecause}`);
  }
  const cores = threads ?? availableParallelism();
  const encoder = await sharedEncoder(definition, { size: targetSize, device, threads: cores });
  const { info, provider } = encoder;
  noteDevice(provider.name);
  const asRequested = device === 'auto' || device === provider.name;
  const where = `${provider.name}${asRequested ? '' : ` instead of ${device}`} (${provider.why})`;
  job.log(asRequested ? 'info' : 'warn', `encoder ${info.name} runs on ${where}`, { note: info.note });
  return encoder;
}

/**
 * Weights can change after the cache key was computed. A bag of one encoder must not be stored under the key
 * of another.
 */
function refuseOther(info: EncoderInfo, expected: Json | undefined): void {
  if (expected === undefined || canonicalJson(keyOfEncoder(info)) === canonicalJson(expected)) return;
  throw new SamMilError('Unavailable', `the available encoder changed after the step was prepared`, {
    expected: (expected as { name: string }).name,
    found: info.name,
    next: 'the step is retried; run `npx sam-mil doctor` to check the weights on each worker',
  });
}

function openStore(job: Job<ExtractWith>, patches: PatchCoords, encoder: OpenEncoder): BatchStore {
  const { coords, patchSize, patchLevel } = patches;
  const rows = coords.length / 2;
  const identity = {
    encoder: keyOfEncoder(encoder.info),
    size: encoder.size,
    // Devices differ in the last bits, so a bag must be computed on one device.
    provider: encoder.provider.name,
    slide: job.with.slide.digest,
    coords: digestOf(new Uint8Array(coords.buffer, coords.byteOffset, coords.byteLength)),
    patchSize,
    patchLevel,
  };
  return new BatchStore(
    job.checkpoint,
    { rows, dim: encoder.info.dim, batchSize: job.with.batchSize },
    identity,
  );
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
