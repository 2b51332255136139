import type { InputFile } from '../../job.js';
import type { ScaleWish } from './patch-scale.js';
import type { TissueParameters } from './tissue/parameters.js';

/** `with` of pathology.patch: tissue parameters that are given stand over the preset's, a process list's over both. */
export interface PatchWith extends Partial<TissueParameters>, ScaleWish {
  slide: InputFile;
  preset: string | InputFile;
  processList?: InputFile;
  /** Absent: clam. */
  layout?: 'clam' | 'trident';
}
