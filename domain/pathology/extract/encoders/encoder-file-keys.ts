import {
  definitionForm,
  type DefinitionOf,
  readDefinition,
} from '../../../engine/language/check/read-definition.js';
import {
  CHANNEL_MEAN,
  CHANNEL_STD,
  CHECKPOINT_IGNORE,
  CHECKPOINT_PREFIX,
  count,
  MODEL_FILE_KEYS,
  text,
} from '../../../machine/weights/model-file-keys.js';
import { defineParameters } from '../../../parameters.js';
import { ARCHITECTURE_NAMES } from './architectures.js';
import { VIT_KEYS } from './vit/vit-file-keys.js';
import { ACTIVATIONS } from './vit/vit-options.js';

const RESIZE = { enum: ['bilinear', 'bicubic'], description: 'filter that resizes patches' } as const;

const MPP = { type: 'number', exclusiveMinimum: 0 } as const;

const IMAGE_KEYS = {
  size: count('side of the patches in pixels'),
  resize: RESIZE,
  'resize-to': count(
    'side in pixels to which patches are resized before the center of `size` is cut out (default: `size`)',
  ),
  mean: CHANNEL_MEAN,
  std: CHANNEL_STD,
  dim: count('length of a feature vector'),
  'patch-size': count(
    'side in pixels of the patches that the encoder is meant for, at `mpp`; other patches give a warning',
  ),
  mpp: {
    anyOf: [MPP, { type: 'array', items: MPP, minItems: 1 }],
    description: 'µm per pixel of these patches, or a list of several',
  },
} as const;

const ONNX = definitionForm(
  'an encoder file without `architecture` and `weights`',
  defineParameters({
    with: {
      ...MODEL_FILE_KEYS,
      onnx: text('path of an .onnx file'),
      input: text("name of the model's image input"),
      output: text("name of the model's feature output"),
      ...IMAGE_KEYS,
    },
    required: ['name', 'onnx', 'size', 'mean', 'std', 'dim'],
  }),
);

const CHECKPOINT_KEYS = {
  ...MODEL_FILE_KEYS,
  architecture: {
    enum: ARCHITECTURE_NAMES,
    description: `network that the weights are for: ${ARCHITECTURE_NAMES.join(', ')}`,
  },
  weights: text(
    'path of a .pth, .pt, .bin or .safetensors file, or of the index (.index.json) of a sharded checkpoint',
  ),
  prefix: CHECKPOINT_PREFIX,
  ignore: CHECKPOINT_IGNORE,
} as const;

const CHECKPOINT = definitionForm(
  'an encoder file with `architecture` or `weights`',
  defineParameters({
    with: {
      ...CHECKPOINT_KEYS,
      'head-width': count('channels of an attention head (clip-vit)'),
      activation: {
        enum: ACTIVATIONS,
        description:
          'activation of the perceptrons (clip-vit): `quick-gelu` (default; OpenAI, PLIP) or `gelu` (most models of OpenCLIP, `hidden_act: gelu` on Hugging Face)',
      },
      ...IMAGE_KEYS,
    },
    required: ['name', 'architecture', 'weights'],
  }),
);

const VIT = definitionForm(
  'an encoder file with `architecture: vit`',
  defineParameters({
    with: { ...CHECKPOINT_KEYS, ...VIT_KEYS, ...IMAGE_KEYS },
    required: ['name', 'architecture', 'weights'],
  }),
);

/** A person's own encoder as a model. Relative paths start at the encoder file. */
export type OnnxFile = DefinitionOf<typeof ONNX>;

/** A person's own encoder as a checkpoint. Its architecture brings its own size, mean, std and dim. */
export type CheckpointFile = DefinitionOf<typeof CHECKPOINT>;

/** A person's own encoder as the checkpoint of a vision transformer. */
export type VitFile = DefinitionOf<typeof VIT>;

export type EncoderFile = OnnxFile | CheckpointFile | VitFile;

export function isVitFile(file: EncoderFile): file is VitFile {
  return 'architecture' in file && file.architecture === 'vit';
}

/**
 * Reads and checks the file itself, not what it points to.
 * @throws SamMilError `InvalidInput` naming every key at fault
 */
export function parseEncoderFile(path: string): EncoderFile {
  return readDefinition(path, 'encoder file', ({ architecture, weights }) => {
    if (architecture === 'vit') return VIT;
    return architecture === undefined && weights === undefined ? ONNX : CHECKPOINT;
  });
}
