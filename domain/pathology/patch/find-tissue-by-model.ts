import { availableParallelism } from 'node:os';
import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import { canonicalJson } from '../../json.js';
import { noteDevice } from '../../machine/usage.js';
import type { Slide } from '../slides/slide.js';
import type { PatchWith } from './parameters.js';
import { readResolution } from './patch-scale.js';
import { type Tissue, tissueOfMask } from './tissue/find-tissue.js';
import type { TissueParameters } from './tissue/parameters.js';
import { ARTIFACT, type ModelMask, segmentByModel, TISSUE } from './tissue-model/segment-by-model.js';
import { readTissueModel } from './tissue-model/tissue-model.js';
import { keyOfTissueModel } from './tissue-model/tissue-model-checks.js';
import { openTissueNetwork } from './tissue-model/tissue-network.js';

/** Name of the model's part of the cache key among the hidden inputs. */
export const MODEL_KEY = 'tissue-model';

/** Relative difference above which a slide is too coarse for a model, as for patches. */
const COARSER = 1.05;

/**
 * Finds the tissue of a slide by the model of `segment-with`. Its mask becomes outlines by the same rules as
 * CLAM's threshold: holes and area filters, without median filter, threshold and closing.
 * @throws SamMilError MissingMagnification for a slide that does not state its resolution; InvalidInput for a
 * model that does not fit its file; as {@link segmentByModel}
 */
export async function findTissueByModel(
  job: Job<PatchWith>,
  slide: Slide,
  parameters: TissueParameters,
  onProgress: (done: number, total: number) => void,
): Promise<Tissue> {
  const path = job.with.segmentWith?.path ?? '';
  const model = readTissueModel(path);
  await refuseOther(job, path);
  const { file } = model;
  const slideMpp =
    job.with.slideMpp ??
    readResolution(
      slide,
      `set \`slide-mpp\` (the shipped pipelines also take it from a column \`mpp\` of the slide table): the tissue model ${file.name} reads at ${file.mpp} µm per pixel`,
    );
  if (slideMpp > file.mpp * COARSER)
    job.log('warn', 'the slide is coarser than the tissue model expects', { slideMpp, modelMpp: file.mpp });
  const { device, threads = availableParallelism() } = job.with;
  const network = await openTissueNetwork(model, { device, threads });
  try {
    noteDevice(network.provider.name);
    const asRequested = device === 'auto' || device === network.provider.name;
    const where = `${network.provider.name} (${network.provider.why})`;
    job.log(asRequested ? 'info' : 'warn', `tissue model ${file.name} runs on ${where}`, { note: file.note });
    const { signal, checkpoint } = job;
    const downsample = file.mpp / slideMpp;
    const work = { network, file, downsample, signal, checkpoint, progress: onProgress };
    return toTissue(slide, await segmentByModel(slide, work), parameters);
  } finally {
    await network.close();
  }
}

function toTissue(slide: Slide, found: ModelMask, parameters: TissueParameters): Tissue {
  const artifacts = found.classes.map((is) => (is === ARTIFACT ? 1 : 0));
  const mask = found.classes.map((is) => (is === TISSUE ? 255 : 0));
  return { ...tissueOfMask(slide, { ...found, mask }, parameters), artifacts };
}

/** A model can be replaced after the cache key was computed. */
async function refuseOther(job: Job<PatchWith>, path: string): Promise<void> {
  const expected = job.hidden?.[MODEL_KEY];
  if (expected === undefined) return;
  if (canonicalJson(await keyOfTissueModel(path)) === canonicalJson(expected)) return;
  throw new SamMilError('Unavailable', 'the tissue model changed after the step was prepared', {
    file: path,
    expected: 'the model that the cache key names',
    found: 'another model or other settings',
    next: 'the step is retried with the new model; check that all workers have the same files',
  });
}
