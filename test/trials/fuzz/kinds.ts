import type { Kind } from './kind.js';
import { HDF5_KINDS } from './kinds-hdf5.js';
import { LABEL_KINDS } from './kinds-labels.js';
import { MODEL_KINDS } from './kinds-models.js';
import { SLIDE_KINDS } from './kinds-slides.js';
import { TEXT_KINDS } from './kinds-text.js';

/** Every reader of files that come from outside, by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  ...HDF5_KINDS,
  ...LABEL_KINDS,
  ...MODEL_KINDS,
  ...TEXT_KINDS,
  ...SLIDE_KINDS,
};
