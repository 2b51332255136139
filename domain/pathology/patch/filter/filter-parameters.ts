import type { ValueSchema } from '../../../activity-schema.js';

/** Parameters that drop patches of the grid. Each is off unless it is given. */
export const filterParameters = {
  'min-tissue': {
    'x-synonyms': ['tissue-threshold', 'min-tissue-proportion', 'tissue-percent', 'tissue-share'],
    type: 'number',
    minimum: 0,
    maximum: 1,
    description:
      'Drop patches of which a smaller share is tissue by the mask, before its small holes are filled. What is outside the slide is no tissue. Off by default.',
  },
  'white-thresh': {
    'x-synonyms': ['white-threshold', 'sat-thresh', 'white'],
    type: 'number',
    minimum: 0,
    maximum: 255,
    description:
      "Drop white patches: the mean HSV saturation (0 to 255) is below this, as in CLAM's isWhitePatch, which uses 5 or 15. Off by default.",
  },
  'black-thresh': {
    'x-synonyms': ['black-threshold', 'rgb-thresh', 'black'],
    type: 'number',
    minimum: 0,
    maximum: 255,
    description:
      "Drop black patches: the means of red, green and blue are all below this, as in CLAM's isBlackPatch, which uses 40 or 50. Off by default.",
  },
  'blur-thresh': {
    'x-synonyms': ['blur-threshold', 'focus-threshold', 'blur', 'laplacian-threshold'],
    type: 'number',
    minimum: 0,
    description:
      "Drop blurred patches: the variance of the Laplacian of the gray values is below this, as in OpenCV's `Laplacian(gray, CV_64F).var()`. It depends on the resolution; 100 is a common start. Off by default.",
  },
} as const satisfies Readonly<Record<string, ValueSchema>>;
