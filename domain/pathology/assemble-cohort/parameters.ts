import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `pathology.assemble-cohort`. */
export const parameters = defineParameters({
  with: {
    patches: fileInput(
      'patch-folder',
      'Folder with normal/ and tumor/: 256 x 256 JPEG or PNG files named class_slide_x_y.',
    ),
    slides: {
      'x-synonyms': ['count', 'number'],
      type: 'integer',
      minimum: 2,
      maximum: 999,
      default: 24,
      description: 'Number of slides to assemble; every second slide has a lesion.',
    },
    seed: {
      'x-synonyms': ['random-seed', 'random-state', 'rng'],
      type: 'integer',
      minimum: 0,
      default: 2021,
      description: 'Random seed of positions, shapes and stains.',
    },
    grid: {
      type: 'integer',
      minimum: 4,
      maximum: 32,
      default: 8,
      description: 'Number of patches across the tissue; 8 gives slides of about 2500 x 2500 pixels.',
    },
  },
  required: ['patches'],
});

export type CohortWith = WithOf<typeof parameters>;
