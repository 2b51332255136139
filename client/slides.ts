/** Package entry `sam-mil/slides`: reads slides the same way as the activities of this package. */
export { SamMilError } from '../domain/errors.js';
export { openSlide } from '../domain/pathology/slides/open.js';
export type { Level, Slide, SlideInfo } from '../domain/pathology/slides/slide.js';
export type { Level0Px } from '../domain/units.js';
