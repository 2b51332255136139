import { fileInput } from '../../../activity-schema.js';
import type { WithOf } from '../../../parameters.js';
import { classesParameter, excludeClassesParameter } from '../../annotations/class-parameters.js';

const FILES =
  'GeoJSON of QuPath, ASAP XML or ImageScope XML in level-0 pixels, or a folder with such files named after the slides.';

/** Parameters of `pathology.patch` for what people outlined. */
export const OUTLINES = {
  tissue: {
    ...fileInput(
      'outlines',
      `Outlines of the tissue, which replace the segmentation. ${FILES} Slides without a file are segmented. a-t, a-h and max-n-holes apply.`,
    ),
    'x-synonyms': ['annotation', 'annotations', 'outlines', 'geojson'],
  },
  roi: {
    ...fileInput(
      'outlines',
      `Regions of interest: only patches inside count, by the rule of contour-fn. ${FILES} Slides without a file are not restricted.`,
    ),
    'x-synonyms': ['region', 'regions', 'include'],
  },
  exclude: fileInput(
    'outlines',
    `Regions to leave out: patches whose center is inside do not count, as in holes. ${FILES}`,
  ),
  classes: classesParameter('Classes that count in `tissue` and `roi`, such as [Tissue]. Default: all.'),
  'roi-classes': classesParameter('Classes that count in `roi`. Default: those of `classes`.'),
  'exclude-classes': excludeClassesParameter(
    'Classes that count in `exclude` (default: all), and that are cut out of `tissue` and `roi` (default: Ignore*, Exclusion and similar names).',
  ),
} as const;

export type OutlinesWith = WithOf<{ readonly with: typeof OUTLINES; readonly required: readonly [] }>;
