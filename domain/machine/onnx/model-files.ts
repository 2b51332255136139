import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { readRegular } from '../../regular-file.js';
import { listExternalFiles } from './onnx-graph.js';

/** The largest message of protobuf, and so of an ONNX file without external data. */
const PROTOBUF = { bytes: 2 ** 31, next: 'store the weights of the model as external data' };

/** A file that names a model, for errors. */
export interface NamingFile {
  path: string;
  /** What the model is: `encoder`. */
  kind: string;
  /** Its keys that name files. */
  keys: string;
}

/**
 * Lists an ONNX model and the files it refers to, which all exist.
 * @throws SamMilError WeightsMissing if a file is missing; UnsupportedFormat if it is not an ONNX model
 */
export function listOnnxFiles(onnx: string, by: NamingFile): string[] {
  const model = presentFile(onnx, by);
  const external = listExternalFiles(readRegular(model, PROTOBUF), model);
  return [model, ...external.map((name) => presentFile(join(dirname(model), name), by))];
}

/** Returns `file`. @throws SamMilError WeightsMissing if it is missing */
export function presentFile(file: string, { path, kind, keys }: NamingFile): string {
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw new SamMilError('WeightsMissing', `the model or a weight file of this ${kind} is missing`, {
    file: path,
    expected: file,
    next: `copy the file to this machine, or correct ${keys} in ${path}`,
  });
}
