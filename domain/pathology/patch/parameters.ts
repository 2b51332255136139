import { fileInput } from '../../activity-schema.js';
import { deviceParameter, threadsParameter } from '../../machine/onnx/device-parameters.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { filterParameters } from './filter/filter-parameters.js';
import { OUTLINES } from './outlines/outline-parameters.js';

const PRESET_NAMES = ['default', 'bwh_biopsy', 'bwh_resection', 'tcga'] as const;

const ids = (description: string) =>
  ({
    type: 'array',
    items: { type: 'integer', minimum: 0 },
    description: `${description} The mask picture shows the ids.`,
  }) as const;

/** Parameters of `pathology.patch`. */
export const parameters = defineParameters({
  with: {
    slide: {
      ...fileInput(
        'slide',
        'The slide: any format that OpenSlide reads (a DICOM series also by its folder), OME-TIFF and other tiled TIFF, or a plain TIFF, PNG or JPEG.',
      ),
      'x-synonyms': ['wsi', 'image', 'path'],
    },
    ...OUTLINES,
    preset: {
      'x-synonyms': ['seg-preset', 'parameters'],
      anyOf: [{ enum: PRESET_NAMES }, fileInput('preset', "A CSV file with one row of CLAM's columns.")],
      default: 'default',
      description:
        "Values of the tissue parameters below: one of CLAM's presets, or a CSV file. Explicit parameters override it.",
    },
    'patch-size': {
      'x-synonyms': ['tile-size', 'tile', 'size'],
      type: 'integer',
      minimum: 1,
      default: 512,
      description: 'Side of a patch in pixels, at patch-level or at the requested magnification or mpp.',
    },
    'step-size': {
      'x-synonyms': ['stride', 'step', 'overlap'],
      type: 'integer',
      minimum: 1,
      description:
        'Distance between neighboring patches, in the same pixels. Default: patch-size, no overlap.',
    },
    'patch-level': {
      'x-synonyms': ['level', 'pyramid-level'],
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'Pyramid level of the patches.',
    },
    'custom-downsample': {
      type: 'integer',
      minimum: 1,
      default: 1,
      description:
        "CLAM's custom downsample: patch-size and step-size count in pixels this many times as large as the level's. Reaches resolutions between two levels: 2 turns a 40x level into 20x.",
    },
    magnification: {
      'x-synonyms': ['mag', 'objective', 'power', 'zoom'],
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Cut patches at this objective power instead of at a level. 10x is 1 µm per pixel. A slide within 2 % of an objective (its own, or the nominal one of its resolution) counts as scanned with it.',
    },
    mpp: {
      'x-synonyms': ['resolution', 'spacing', 'microns-per-pixel', 'um-per-px'],
      type: 'number',
      exclusiveMinimum: 0,
      description: 'Cut patches at this resolution in µm per pixel instead of at a level.',
    },
    'slide-mpp': {
      type: 'number',
      // Nanometers and millimeters in a table lie outside.
      minimum: 0.01,
      maximum: 50,
      description:
        'µm per pixel at level 0. Overrides the value in the slide; required if the slide has none. From a column of a CSV source: ${{ slide.mpp && number(slide.mpp) }}; for an empty cell the value in the slide is used.',
    },
    'segment-with': {
      ...fileInput(
        'tissue-model',
        'YAML or JSON file that describes your own tissue model: name, onnx, size, mpp, mean, std, activation, classes and tissue. It replaces the threshold on the saturation: `seg-level`, `sthresh`, `mthresh`, `use-otsu` and `close` have no effect.',
      ),
      'x-synonyms': ['tissue-model', 'segmenter', 'seg-model', 'segmentation-model'],
    },
    device: deviceParameter('the tissue model'),
    threads: threadsParameter('CPU threads of the tissue model. Default: the cores of the host.'),
    ...filterParameters,
    'contour-fn': {
      type: 'string',
      enum: ['four_pt', 'four_pt_hard', 'center', 'basic'],
      description:
        'Which points must be in tissue for a patch to count: any of four points around its center, all four, its center, or its corner. Preset: four_pt.',
    },
    'use-padding': {
      type: 'boolean',
      description: "Let patches extend beyond the slide's border. Preset: true.",
    },
    'seg-level': {
      type: 'integer',
      minimum: -1,
      description: 'Level to find tissue on; -1 for the best level for a downsample of 64. Preset: -1.',
    },
    'vis-level': {
      type: 'integer',
      minimum: -1,
      description: 'Level of the pictures; -1 for the deepest useful level. Preset: -1.',
    },
    sthresh: {
      type: 'number',
      minimum: 0,
      maximum: 255,
      description: 'Saturation above which a pixel is tissue. Presets: 8 or 15.',
    },
    mthresh: {
      type: 'integer',
      minimum: 1,
      description: 'Side of the median filter on the saturation; odd. Presets: 7 or 11.',
    },
    close: {
      type: 'integer',
      minimum: 0,
      description: 'Side of the morphological closing; 0 for none. Presets: 4 or 2.',
    },
    'use-otsu': {
      'x-synonyms': ['otsu'],
      type: 'boolean',
      description: "Use Otsu's threshold instead of sthresh. Preset: false.",
    },
    'a-t': {
      'x-synonyms': ['min-area', 'area-threshold'],
      type: 'number',
      minimum: 0,
      description:
        'Minimum area of a piece of tissue, in patches of 512 x 512 level-0 pixels. Presets: 100, 16 or 1.',
    },
    'a-h': {
      'x-synonyms': ['min-hole', 'hole-area'],
      type: 'number',
      minimum: 0,
      description: 'Minimum area of a hole, in the same unit. Presets: 16, 4 or 1.',
    },
    'max-n-holes': {
      'x-synonyms': ['max-holes'],
      type: 'integer',
      minimum: 0,
      description: 'Maximum number of holes in a piece of tissue, largest first. Presets: 8 or 2.',
    },
    'line-thickness': {
      type: 'number',
      minimum: 0,
      description: 'Width of the outlines on the mask picture, in level-0 pixels. Presets: 250, 100 or 50.',
    },
    'keep-ids': ids('Keep only these pieces of tissue.'),
    'exclude-ids': ids('Exclude these pieces of tissue.'),
    layout: {
      'x-synonyms': ['format'],
      type: 'string',
      enum: ['clam', 'trident'],
      default: 'clam',
      description:
        "Name and attributes of the patches file. `trident`: patches/<name>_patches.h5 with TRIDENT's attributes in addition to CLAM's.",
    },
    'process-list': {
      ...fileInput(
        'process-list',
        "CSV file with CLAM's columns and one row per slide. Its cells override all parameters, and process 0 excludes the slide. Only slides whose row changes the result run again.",
      ),
      'x-not-in-key': true,
    },
  },
  required: ['slide'],
});

export type PatchWith = WithOf<typeof parameters>;
