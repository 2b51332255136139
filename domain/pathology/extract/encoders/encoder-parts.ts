import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SamMilError } from '../../../errors.js';
import { isShardIndex, readShardIndex } from '../../../files/torch/shard-index.js';
import { readRegular } from '../../../regular-file.js';
import { listExternalFiles } from '../../../machine/onnx/onnx-graph.js';
import type { EncoderFile } from './encoder-file-keys.js';

/** The largest message of protobuf, and so of an ONNX file without external data. */
const PROTOBUF = { bytes: 2 ** 31, next: 'store the weights of the model as external data' };

/**
 * Lists the absolute paths of the weight files of an encoder: the checkpoint, or the ONNX model and the files
 * it refers to. All exist.
 * @param path of the encoder file
 * @throws SamMilError WeightsMissing if a file is missing; UnsupportedFormat if the model is not an ONNX
 * model
 */
export function listEncoderFiles(path: string, file: EncoderFile): string[] {
  const beside = dirname(resolve(path));
  if ('weights' in file) {
    const weights = present(resolve(beside, file.weights), path);
    return isShardIndex(weights) ? [weights, ...readShardIndex(weights).keys()] : [weights];
  }
  const model = present(resolve(beside, file.onnx), path);
  const external = listExternalFiles(readRegular(model, PROTOBUF), model);
  return [model, ...external.map((name) => present(join(dirname(model), name), path))];
}

function present(file: string, encoderFile: string): string {
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw new SamMilError('WeightsMissing', 'the model or a weight file of this encoder is missing', {
    file: encoderFile,
    expected: file,
    next: `copy the file to this machine, or correct \`onnx\` or \`weights\` in ${encoderFile}`,
  });
}
