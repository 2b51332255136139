import type { TensorSizes } from './architectures.js';
import { type Checkpoint, checkpointSizes } from './checkpoint-encoder.js';
import {
  type CheckpointFile,
  isVitFile,
  type OnnxFile,
  parseEncoderFile,
  type VitFile,
} from './encoder-file-keys.js';
import { listEncoderFiles } from './encoder-parts.js';
import { readVitStatement, type VitImage } from './vit/vit-facts.js';

export interface OnnxFacts {
  file: OnnxFile;
  /** Absolute paths of the model and its weights. */
  files: string[];
}

export interface CheckpointFacts {
  file: CheckpointFile | VitFile;
  checkpoint: Checkpoint;
  files: string[];
  /** Determined by the tensors of the checkpoint. */
  sizes: TensorSizes;
  /** Normalization and filter, where the checkpoint comes with them. */
  image?: VitImage;
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
  const { architecture, prefix, ignore } = file;
  const common = { architecture, path: files[0], prefix, ignore };
  if (isVitFile(file)) {
    const { options, image } = readVitStatement(path, file, files[0]);
    const checkpoint = { ...common, vit: options };
    return { file, checkpoint, files, sizes: checkpointSizes(checkpoint), image };
  }
  const checkpoint = { ...common, headWidth: file.headWidth, activation: file.activation };
  return { file, checkpoint, files, sizes: checkpointSizes(checkpoint) };
}
