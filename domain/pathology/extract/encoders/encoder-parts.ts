import { dirname, resolve } from 'node:path';
import { isShardIndex, readShardIndex } from '../../../files/torch/shard-index.js';
import { listOnnxFiles, presentFile } from '../../../machine/onnx/model-files.js';
import type { EncoderFile } from './encoder-file-keys.js';

/**
 * Lists the absolute paths of the weight files of an encoder: the checkpoint, or the ONNX model and the files
 * it refers to. All exist.
 * @param path of the encoder file
 * @throws SamMilError WeightsMissing if a file is missing; UnsupportedFormat if the model is not an ONNX
 * model
 */
export function listEncoderFiles(path: string, file: EncoderFile): string[] {
  const beside = dirname(resolve(path));
  const by = { path, kind: 'encoder', keys: '`onnx` or `weights`' };
  if (!('weights' in file)) return listOnnxFiles(resolve(beside, file.onnx), by);
  const weights = presentFile(resolve(beside, file.weights), by);
  return isShardIndex(weights) ? [weights, ...readShardIndex(weights).keys()] : [weights];
}
