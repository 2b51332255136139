import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  definitionForm,
  type DefinitionOf,
  readDefinition,
} from '../../../engine/language/check/read-definition.js';
import { SamMilError } from '../../../errors.js';
import {
  CHECKPOINT_IGNORE,
  CHECKPOINT_PREFIX,
  count,
  MODEL_FILE_KEYS,
  text,
} from '../../../machine/weights/model-file-keys.js';
import { defineParameters } from '../../../parameters.js';

const FORM = definitionForm(
  'a segmenter file',
  defineParameters({
    with: {
      ...MODEL_FILE_KEYS,
      architecture: {
        enum: ['sam'],
        description: 'sam: Segment Anything or MobileSAM, which the tensors of the checkpoint tell apart',
      },
      weights: text('path of a .pth, .pt or .safetensors file'),
      // Not in the checkpoint; 8 in all published models.
      prefix: CHECKPOINT_PREFIX,
      ignore: CHECKPOINT_IGNORE,
      'decoder-heads': count("attention heads of the mask decoder's layers"),
      // Not in MobileSAM's checkpoint; 1024 in the published one. SAM's own encoders tell it.
      'image-size': count("side in pixels of the square that MobileSAM's encoder sees"),
    },
    required: ['name', 'architecture', 'weights'],
  }),
);

/**
 * A person's own segmenter. `weights` is absolute once the file is read; relative paths start at the file.
 */
export type SegmenterFile = DefinitionOf<typeof FORM>;

/**
 * Reads and checks the file itself, not the checkpoint.
 * @throws SamMilError `InvalidInput` naming every key at fault
 */
export function readSegmenterFile(path: string): SegmenterFile {
  const file = readDefinition(path, 'segmenter file', () => FORM);
  return { ...file, weights: resolve(dirname(resolve(path)), file.weights) };
}

/**
 * Returns the path of the checkpoint of a segmenter file.
 * @throws SamMilError WeightsMissing if it is missing
 */
export function presentWeights({ weights }: SegmenterFile, path: string): string {
  if (statSync(weights, { throwIfNoEntry: false })?.isFile()) return weights;
  throw new SamMilError('WeightsMissing', 'the checkpoint of this segmenter is missing', {
    file: path,
    expected: weights,
    next: `copy the file to this machine, or correct \`weights\` in ${path}`,
  });
}
