import { listTissueFiles, parseTissueFile, type TissueFile } from './tissue-file.js';

/** A tissue model file and its model. */
export interface TissueModel {
  file: TissueFile;
  /** Absolute path of the tissue model file. */
  path: string;
  /** Absolute paths of the model, which comes first, and its weights. */
  files: string[];
}

/**
 * Reads a tissue model file. Called in a separate process for cache keys, so the result is JSON.
 * @throws SamMilError as {@link parseTissueFile} and {@link listTissueFiles}
 */
export function readTissueModel(path: string): TissueModel {
  const file = parseTissueFile(path);
  return { file, path, files: listTissueFiles(path, file) };
}
