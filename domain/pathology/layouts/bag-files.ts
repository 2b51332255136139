/** All file layouts of CLAM and SAM-MIL, one line per file of a stage folder. */
export { type PatchCoords, readPatches, writePatches } from './patches-file.js';
export {
  createFeatures,
  type Features,
  FeaturesReader,
  type FeaturesWriter,
  openFeatures,
  readFeatureRows,
  readFeatures,
  writeFeatures,
} from './features-file.js';
export {
  groupFlags,
  readSamInfo,
  readSamInfoOf,
  readSegFile,
  type SamInfo,
  type SegMembers,
  writeSamInfo,
  writeSegFile,
} from './sam-info-file.js';
export { readMask, readStitch, type Stitch, type TissueMask, writeMask, writeStitch } from './mask-file.js';
