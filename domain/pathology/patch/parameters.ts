import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

const PRESET_NAMES = ['default', 'bwh_biopsy', 'bwh_resection', 'tcga'] as const;

const ids = (description: string) =>
  ({
    type: 'array',
    items: { type: 'integer', minimum: 0 },
    description: `${description} Ids are written on the mask picture.`,
  }) as const;

/** Parameters of `pathology.patch`. */
export const parameters = defineParameters({
  with: {
    slide: fileInput(
      'slide',
      'The slide: any format OpenSlide reads, a DICOM series also by its folder; OME-TIFF and other tiled TIFF; a plain TIFF, PNG or JPEG.',
    ),
    preset: {
      anyOf: [{ enum: PRESET_NAMES }, fileInput('preset', "A CSV file with one row of CLAM's columns.")],
      default: 'default',
      description:
        "Values of the tissue parameters below: one of CLAM's presets, or a CSV file. Parameters given here stand over it.",
    },
    'patch-size': {
      type: 'integer',
      minimum: 1,
      default: 512,
      description: 'Side of a patch in pixels, at patch-level or at the wanted magnification or mpp.',
    },
    'step-size': {
      type: 'integer',
      minimum: 1,
      description: 'Distance of neighboring patches, in the same pixels. Default: patch-size, no overlap.',
    },
    'patch-level': { type: 'integer', minimum: 0, default: 0, description: 'Pyramid level of the patches.' },
    'custom-downsample': {
      type: 'integer',
      minimum: 1,
      default: 1,
      description:
        "CLAM's: patch-size and step-size count in pixels this many times as large as the level's. For what lies between two levels: 2 makes 20x of a 40x level.",
    },
    magnification: {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Cut patches as an objective of this power shows them, instead of at a level. 10x is 1 um a pixel; a slide within 2 % of an objective (its own, or the one its resolution is called by) counts as scanned with that.',
    },
    mpp: {
      type: 'number',
      exclusiveMinimum: 0,
      description: 'Cut patches at this many micrometres a pixel, instead of at a level.',
    },
    'slide-mpp': {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Micrometres a pixel at level 0, in place of what the slide says; needed where it says nothing. From a column of a CSV source: ${{ slide.mpp && number(slide.mpp) }}, where an empty cell leaves it to the slide.',
    },
    'contour-fn': {
      type: 'string',
      enum: ['four_pt', 'four_pt_hard', 'center', 'basic'],
      description:
        'When a patch lies in tissue: any of four points around its center does, all four do, its center does, its corner does. Preset: four_pt.',
    },
    'use-padding': {
      type: 'boolean',
      description: "Let patches reach over the slide's border. Preset: true.",
    },
    'seg-level': {
      type: 'integer',
      minimum: -1,
      description: 'Level to find tissue on; -1 for the one best for a downsample of 64. Preset: -1.',
    },
    'vis-level': {
      type: 'integer',
      minimum: -1,
      description: 'Level of the pictures; -1 for the deepest that is worth looking at. Preset: -1.',
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
      description: 'Side of the median filter over the saturation, odd. Presets: 7 or 11.',
    },
    close: {
      type: 'integer',
      minimum: 0,
      description: 'Side of the morphological close, 0 for none. Presets: 4 or 2.',
    },
    'use-otsu': { type: 'boolean', description: "Otsu's threshold instead of sthresh. Preset: false." },
    'a-t': {
      type: 'number',
      minimum: 0,
      description:
        'Least area of a piece of tissue, in patches of 512 x 512 level-0 pixels. Presets: 100, 16 or 1.',
    },
    'a-h': {
      type: 'number',
      minimum: 0,
      description: 'Least area of a hole, likewise. Presets: 16, 4 or 1.',
    },
    'max-n-holes': {
      type: 'integer',
      minimum: 0,
      description: 'Holes regarded in a piece of tissue, the largest first. Presets: 8 or 2.',
    },
    'line-thickness': {
      type: 'number',
      minimum: 0,
      description: 'Width of the outlines on the mask picture, in level-0 pixels. Presets: 250, 100 or 50.',
    },
    'keep-ids': ids('Only these pieces of tissue.'),
    'exclude-ids': ids('Not these pieces of tissue.'),
    layout: {
      type: 'string',
      enum: ['clam', 'trident'],
      default: 'clam',
      description:
        "Name and attributes of the patches file. `trident`: patches/<name>_patches.h5 with TRIDENT's attributes beside CLAM's.",
    },
    'process-list': {
      ...fileInput(
        'process-list',
        "CSV in CLAM's columns with a row a slide: its cells stand over everything here, and process 0 leaves the slide out. Only slides whose row changes something run again.",
      ),
      'x-not-in-key': true,
    },
  },
  required: ['slide'],
});

export type PatchWith = WithOf<typeof parameters>;
