import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SamMilError } from '../../../errors.js';
import { externalFilesOf } from '../../../machine/onnx/onnx-graph.js';
import type { EncoderFile } from './encoder-file-keys.js';

/**
 * Absolute paths of the files that an encoder's weights lie in: the checkpoint, or the ONNX model and those that it points to. Each is there.
 * @param path of the encoder file
 * @throws SamMilError `WeightsMissing` where one is not; `UnsupportedFormat` where the model is no ONNX model
 */
export function filesOfEncoder(path: string, file: EncoderFile): string[] {
  const beside = dirname(resolve(path));
  if (file.onnx === undefined) return [present(resolve(beside, file.weights as string), path)];
  const model = present(resolve(beside, file.onnx), path);
  const external = externalFilesOf(readFileSync(model), model);
  return [model, ...external.map((name) => present(join(dirname(model), name), path))];
}

function present(file: string, encoderFile: string): string {
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw new SamMilError(
    'WeightsMissing',
    'the model of this encoder, or a file that its weights lie in, is missing',
    {
      file: encoderFile,
      expected: file,
      next: `bring that file, or correct \`onnx\` or \`weights\` in ${encoderFile}`,
    },
  );
}
