import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { type PatchCoords, readPatches } from '../layouts/bag-files.js';
import { tridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile, Job, JobResult } from '../../job.js';
import { canonicalJson, type Json } from '../../json.js';
import { checkPatches } from '../slides/check-patches.js';
import { magnificationOf } from '../slides/magnification.js';
import { openSlide } from '../slides/open.js';
import type { SlideInfo } from '../slides/slide.js';
import type { BagFacts } from '../features/bag-layout.js';
import { BatchStore } from './batch-store.js';
import type { Provider } from '../../machine/onnx/onnx-session.js';
import type { EncoderInfo, OpenEncoder } from './encoders/encoder.js';
import { chooseEncoder, keyOfEncoder } from './encoders/encoders.js';
import { encodePatches } from './encode-patches.js';
import { findGroups } from '../features/patch-groups.js';
import { sharedEncoder } from './encoders/shared-encoder.js';
import { writeBag } from '../features/write-bag.js';
import type { ExtractWith } from './parameters.js';

/**
 * Patches of one slide to a bag: reads, resizes and encodes them batch by batch, keeps each finished batch in the checkpoint folder, then adds the group
 * rows and writes h5_files, pt_files, seg_files and sam_info. A killed attempt goes on from its last batch and ends with the same bytes.
 */
export async function run(job: Job<ExtractWith>): Promise<JobResult> {
  const { with: options } = job;
  const patches = readPatches(options.patches.path);
  const stamp = stampOf(options.slide.path);
  const slide = inspectSlide(options.slide.path);
  checkPatches(patches, options.patches.path, { path: options.slide.path, info: slide });
  const facts = factsOf(job, patches, slide);
  const groups = options.segments && findGroups(options.segments.path, patches, slide);
  const encoder = await openEncoder(job);
  const store = storeOf(job, patches, encoder);
  const decoders = slide.costlyToOpen ? 1 : decodeThreads(options.threads, encoder.provider);
  await encodePatches({
    source: {
      slide: options.slide.path,
      level: patches.patchLevel,
      patchSize: patches.patchSize,
      size: encoder.size,
      resize: encoder.info.resize,
      cacheBytes: Math.min(MOST_CACHE, Math.floor(ALL_CACHES / decoders)),
    },
    coords: patches.coords,
    encoder,
    store,
    decodeThreads: decoders,
    signal: job.signal,
    progress: (done, total) => job.progress({ unit: 'patches', done, total }),
  });
  if (stampOf(options.slide.path) !== stamp) throw replaced(options.slide.path);
  const { name, scratch: folder } = job;
  const features = {
    rows: patches.coords.length / 2,
    dim: encoder.info.dim,
    blocks: () => store.blocks(),
  };
  // Readers of TRIDENT's files take every row for a patch.
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
  const told = { encoder: encoder.info.name, provider, 'provider-reason': why };
  return { files, values: { ...values, ...told } };
}

/** @throws SamMilError MissingMagnification where TRIDENT's layout is wanted and neither patches nor slide tell the objective */
function factsOf(
  { with: { layout, slide: file } }: Job<ExtractWith>,
  patches: PatchCoords,
  slide: SlideInfo,
) {
  const trident =
    layout === 'trident' ? (patches.trident ?? tridentOfPatches(patches, slide, file)) : undefined;
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

function tridentOfPatches(patches: PatchCoords, slide: SlideInfo, file: InputFile): TridentFacts {
  const magnification = magnificationOf(slide, file.path);
  const size = Math.round(patches.patchSize * slide.levels[patches.patchLevel].downsample[0]);
  return tridentFacts({ patchSize: patches.patchSize, stepSize: patches.patchSize }, size, magnification);
}

async function openEncoder(job: Job<ExtractWith>): Promise<OpenEncoder> {
  const { encoder: wanted, fallback, device, threads, targetSize } = job.with;
  const { definition, fallbackBecause } = await chooseEncoder(wanted, fallback, (line) =>
    job.log('info', line),
  );
  refuseOther(definition.info, job.hidden?.encoder);
  if (fallbackBecause !== undefined) {
    job.log('warn', `encoder ${definition.info.name} is used instead: ${fallbackBecause}`);
  }
  const cores = threads ?? availableParallelism();
  const encoder = await sharedEncoder(definition, { size: targetSize, device, threads: cores });
  const { info, provider } = encoder;
  const asWanted = device === 'auto' || device === provider.name;
  const where = `${provider.name}${asWanted ? '' : `, not ${device}`} (${provider.why})`;
  job.log(asWanted ? 'info' : 'warn', `encoder ${info.name} on ${where}`, { note: info.note });
  return encoder;
}

/** Weights may come or go between the forming of the key and the work: a bag of one encoder must not stand under the name of another. */
function refuseOther(info: EncoderInfo, expected: Json | undefined): void {
  if (expected === undefined || canonicalJson(keyOfEncoder(info)) === canonicalJson(expected)) return;
  throw new SamMilError('Unavailable', `another encoder can be used now than when the step was prepared`, {
    expected: (expected as { name: string }).name,
    found: info.name,
    next: 'the step is tried again; see `npx sam-mil doctor` for the weights on each worker',
  });
}

function storeOf(job: Job<ExtractWith>, patches: PatchCoords, encoder: OpenEncoder): BatchStore {
  const { coords, patchSize, patchLevel } = patches;
  const rows = coords.length / 2;
  const identity = {
    encoder: keyOfEncoder(encoder.info),
    size: encoder.size,
    // Another device gives other last bits: a bag is made on one.
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

/** Tiles that a decoder keeps for the next patch, and all of them together: bytes. The former is OpenSlide's own choice. */
const [MOST_CACHE, ALL_CACHES] = [32 << 20, 128 << 20];

/** Each is a thread with a handle of the slide of its own: memory, so there is a bound. An accelerator waits for more of them. */
const MOST_DECODERS = { cpu: 8, accelerator: 16 } as const;

/** All cores decode. Where the encoder needs them itself, decoders are soon ahead of it and wait. */
function decodeThreads(threads: number | undefined, provider: Provider): number {
  const most = provider.name === 'cpu' ? MOST_DECODERS.cpu : MOST_DECODERS.accelerator;
  return Math.min(most, threads ?? availableParallelism());
}

function stampOf(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${size} ${mtimeMs} ${ino}`;
}

function replaced(path: string): SamMilError {
  return new SamMilError('InvalidInput', 'the slide was replaced while it was read', {
    file: path,
    next: 'resume the run once the file is complete: the step starts anew with the new content',
  });
}
