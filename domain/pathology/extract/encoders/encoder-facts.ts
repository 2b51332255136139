import { checkpointSizes } from './checkpoint-encoder.js';
import { type CheckpointFile, type OnnxFile, parseEncoderFile } from './encoder-file-keys.js';
import { listEncoderFiles } from './encoder-parts.js';

export interface OnnxFacts {
  file: OnnxFile;
  /** Absolute paths of the model and its weights. */
  files: string[];
}

export interface CheckpointFacts {
  file: CheckpointFile;
  files: string[];
  /** Determined by the tensors of the checkpoint. */
  sizes: { dim: number; size?: number };
}

/**
 * Reads an encoder file and what the files that it names state. Called in a separate process, so the result
 * is JSON.
 * @throws SamMilError as {@link parseEncoderFile} and {@link listEncoderFiles}; UnsupportedFormat if the
 *   checkpoint does not fit its architecture
 */
export function readEncoderFacts(path: string): OnnxFacts | CheckpointFacts {
  const file = parseEncoderFile(path);
  const files = listEncoderFiles(path, file);
  if ('onnx' in file) return { file, files };
  const { architecture, prefix } = file;
  return { file, files, sizes: checkpointSizes({ architecture, path: files[0], prefix }) };
}
