import { parameters } from '../../domain/pathology/patch/parameters.js';
import { findPatchFaults } from '../../domain/pathology/patch/find-faults.js';
import {
  checkTissueModel,
  keyOfTissueModel,
  lackOfTissueModel,
} from '../../domain/pathology/patch/tissue-model/tissue-model-checks.js';
import { findOutlineFaults } from '../../domain/pathology/patch/outlines/outline-faults.js';
import type { OutlineParameter } from '../../domain/pathology/annotations/check-outlines.js';
import type { JsonObject } from '../../domain/json.js';
import { keyReader } from '../../domain/machine/reader/reader-process.js';
import type { rowInKey } from '../../domain/pathology/patch/row-effect.js';
import {
  defineActivity,
  fileOutput,
  type FinishedItem,
  type FinishedStage,
} from '../define/define-activity.js';

const ROW = new URL('../../domain/pathology/patch/row-effect.js', import.meta.url).href;

/** Parameters with outlines, for the check before a run. */
const OUTLINED: readonly OutlineParameter[] = [
  { name: 'tissue', purpose: 'area', classes: ['classes'], excludeClasses: 'exclude-classes' },
  { name: 'roi', purpose: 'area', classes: ['roi-classes', 'classes'], excludeClasses: 'exclude-classes' },
  { name: 'exclude', purpose: 'area', classes: ['exclude-classes'] },
];

export const definition = defineActivity({
  name: 'pathology.patch',
  version: 6,
  summary: 'Finds the tissue of a slide and the coordinates of the patches in it, as CLAM does',
  ...parameters,
  reads: async (step) => {
    const { partsOfFolders } = await import('../../domain/pathology/annotations/outline-file.js');
    return partsOfFolders(step, ['tissue', 'roi', 'exclude']);
  },
  checkItems: async (items, all) => {
    const { checkOutlines } = await import('../../domain/pathology/annotations/check-outlines.js');
    return checkOutlines(items, all, OUTLINED);
  },
  outputs: {
    patches: fileOutput('patches', 'patches/<name>.h5: `coords`, int64 N x 2, corners in level-0 pixels.'),
    mask: fileOutput(
      'mask',
      'masks/<name>.h5: outlines of tissue and holes, and the mask they were traced from.',
    ),
    'mask-image': fileOutput(
      'mask-image',
      'masks/<name>.jpg: the slide with outlines and their ids and, with a filter or a tissue model, what was dropped and a legend.',
    ),
    'tissue-geojson': fileOutput(
      'tissue-geojson',
      'masks/<name>.geojson: outlines of tissue with their holes, in level-0 pixels, as annotations for QuPath.',
    ),
    stitch: fileOutput('stitch', 'stitches/<name>.h5: downscaled patches on a black background.'),
    'stitch-image': fileOutput('stitch-image', 'stitches/<name>.jpg: the same as a picture.'),
    count: { type: 'integer', description: 'Number of patches.' },
    status: {
      type: 'string',
      enum: ['processed', 'no_tissue', 'tbp'],
      description: 'An item with no_tissue or tbp (excluded by the process list) ends here.',
    },
    dropped: {
      type: 'object',
      description:
        'Numbers of patches that the filters dropped, by the first reason: tissue (`min-tissue`), white, black, blurred. Only with a filter.',
    },
    'artifact-share': {
      type: 'number',
      description:
        'Share of the area of tissue and artifacts that the tissue model removed as artifacts. Only with `segment-with`.',
    },
    'patch-size': { type: 'integer', description: 'Side of a patch in pixels of patch-level.' },
    'patch-level': { type: 'integer', description: 'Level that the patches are read from.' },
    outlines: {
      type: 'object',
      description:
        'Regions of `tissue`, `roi` and `exclude` by class: `counted`, `cut-out` and `left-out`. Absent without outlines.',
    },
    parameters: {
      type: 'object',
      description: "The slide's row of the process list, with the values that were used.",
    },
  },
  queue: 'cpu',
  timeout: '4h',
  heartbeat: '2m',
  stall: '30m',
  isolation: 'child',
  requires: ['openslide'],
  usesGpu: async ({ device, 'segment-with': model }) =>
    model !== undefined &&
    device !== 'cpu' &&
    (await import('../../domain/machine/onnx/expects-gpu.js')).expectsGpu(),
  resumesFrom: 'the start (takes seconds); with `segment-with`, the last finished row of tiles',
  findMissing: (parameter, value, { base }) =>
    parameter === 'segment-with' ? lackOfTissueModel(value, base) : undefined,
  findFaults: (given) => [...findPatchFaults(given), ...findOutlineFaults(given)],
  check: async ({ with: { 'segment-with': model } }) => {
    if (typeof model === 'string') await checkTissueModel(model);
    return {};
  },
  hiddenInputs: async (parameters, inputs) => {
    const file = inputs['process-list']?.path;
    const row =
      file === undefined
        ? {}
        : await keyReader.call<typeof rowInKey>({ module: ROW, name: 'rowInKey', file }, parameters, inputs);
    const model = inputs['segment-with']?.path;
    return model === undefined ? row : { ...row, 'tissue-model': await keyOfTissueModel(model) };
  },
  load: () => import('../../domain/pathology/patch/patch.js'),
  finishStage: async (stage: FinishedStage) => {
    const { writeProcessList } = await import('../../domain/pathology/patch/process-list.js');
    await writeProcessList(`${stage.folder}/process_list_autogen.csv`, processedSlides(stage.items));
  },
});

async function* processedSlides(items: AsyncIterable<FinishedItem>) {
  for await (const { key, fields, status, reason, step } of items) {
    yield {
      slide: pathOf(step.with.slide) ?? pathOf(fields.path) ?? key,
      status,
      reason,
      row: step.outputs.parameters as Record<string, string> | undefined,
      preset: typeof step.with.preset === 'string' ? step.with.preset : undefined,
    };
  }
}

/** A path, or a reference to a file. */
function pathOf(value: JsonObject[string] | undefined): string | undefined {
  if (typeof value === 'string') return value;
  const path = (value as JsonObject | undefined)?.path;
  return typeof path === 'string' ? path : undefined;
}
