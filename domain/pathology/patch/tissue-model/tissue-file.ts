import { dirname, resolve } from 'node:path';
import {
  definitionForm,
  type DefinitionOf,
  readDefinition,
} from '../../../engine/language/check/read-definition.js';
import { SamMilError } from '../../../errors.js';
import { listOnnxFiles } from '../../../machine/onnx/model-files.js';
import {
  CHANNEL_MEAN,
  CHANNEL_STD,
  count,
  MODEL_FILE_KEYS,
  text,
} from '../../../machine/weights/model-file-keys.js';
import { defineParameters } from '../../../parameters.js';

const names = (description: string) =>
  ({ type: 'array', items: text('name of a class'), description }) as const;

const FORM = definitionForm(
  'a tissue model file',
  defineParameters({
    with: {
      ...MODEL_FILE_KEYS,
      onnx: text('path of an .onnx file'),
      input: text("name of the model's image input"),
      output: text("name of the model's output of one score per class and pixel"),
      size: count('side in pixels of the tiles that the model reads'),
      mpp: {
        type: 'number',
        minimum: 0.05,
        maximum: 32,
        description: 'µm per pixel at which the model reads the slide',
      },
      mean: CHANNEL_MEAN,
      std: CHANNEL_STD,
      channels: {
        enum: ['rgb', 'bgr'],
        default: 'rgb',
        description: 'order of the colors in the input: rgb or bgr',
      },
      axes: {
        enum: ['nchw', 'nhwc'],
        default: 'nchw',
        description: 'order of the axes of input and output: nchw (PyTorch) or nhwc (TensorFlow)',
      },
      activation: {
        enum: ['softmax', 'sigmoid', 'none'],
        description:
          'what turns the output into scores: softmax (one class per pixel), sigmoid (each class by itself), or none if the model ends with one of them',
      },
      classes: { ...names('names of the classes, in the order of the output'), minItems: 1 },
      tissue: { ...names('the classes that are tissue'), minItems: 1 },
      artifact: {
        ...names('the classes that are artifacts, which are removed from the tissue'),
        default: [],
      },
      threshold: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.5,
        description: 'score from which a pixel belongs to the tissue, and to the artifacts',
      },
      margin: {
        type: 'integer',
        minimum: 0,
        description:
          'pixels at each side of a tile that are computed and not used, because the model does not see their surroundings (default: an eighth of `size`)',
      },
    },
    required: ['name', 'onnx', 'size', 'mpp', 'mean', 'std', 'activation', 'classes', 'tissue'],
  }),
);

/** A person's own tissue model. Relative paths start at the file. */
export type TissueFile = DefinitionOf<typeof FORM>;

/**
 * Reads and checks the file itself, not the model.
 * @throws SamMilError `InvalidInput` naming every key at fault
 */
export function parseTissueFile(path: string): TissueFile {
  const file = readDefinition(path, 'tissue model file', () => FORM);
  const { classes, tissue, artifact, activation, size, margin = 0 } = file;
  const refuse = (what: string, expected: string, found: string): never => {
    throw new SamMilError('InvalidInput', what, { file: path, expected, found });
  };
  const twice = classes.find((name, index) => classes.indexOf(name) !== index);
  if (twice !== undefined) refuse('`classes` has a name twice', 'different names', twice);
  for (const [key, chosen] of [
    ['tissue', tissue],
    ['artifact', artifact],
  ] as const) {
    const unknown = chosen.filter((name) => !classes.includes(name));
    if (unknown.length > 0)
      refuse(`\`${key}\` has a class that \`classes\` lacks`, classes.join(', '), unknown.join(', '));
  }
  const both = artifact.find((name) => tissue.includes(name));
  if (both !== undefined) refuse('a class is both tissue and artifact', 'one of them', both);
  if (activation === 'softmax' && classes.length === 1)
    refuse('the softmax of one class is always 1', '`activation: sigmoid`, or several classes', classes[0]);
  if (2 * margin >= size) refuse('`margin` leaves nothing of a tile', `below ${size / 2}`, `${margin}`);
  return file;
}

/**
 * Lists the absolute paths of the model and the files it refers to. All exist.
 * @param path of the tissue model file
 * @throws SamMilError WeightsMissing if a file is missing; UnsupportedFormat if it is not an ONNX model
 */
export function listTissueFiles(path: string, { onnx }: TissueFile): string[] {
  return listOnnxFiles(resolve(dirname(resolve(path)), onnx), { path, kind: 'tissue model', keys: '`onnx`' });
}
