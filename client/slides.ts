/** Package entry `sam-mil/slides`: whole slide images, read as the activities of this package read them. */
export { SamMilError } from '../domain/errors.js';
export { openSlide } from '../domain/pathology/slides/open.js';
export type { Level, Slide, SlideInfo } from '../domain/pathology/slides/slide.js';
export type { Level0Px } from '../domain/units.js';
