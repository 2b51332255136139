import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { deviceParameter, threadsParameter } from '../../machine/onnx/device-parameters.js';
import { STORED_FLOATS } from '../../files/half-float.js';
import { BAG_LAYOUTS } from '../features/bag-layout.js';
import { ENCODER_NAMES } from './encoders/encoders.js';
import { PRECISIONS } from './encoders/precision.js';

const ENCODER_FORMS = [
  { type: 'string', enum: [...ENCODER_NAMES] },
  fileInput(
    'encoder',
    'YAML or JSON file with name, and either onnx, size, mean, std and dim of a model, or architecture (resnet50, clip-vit, efficientnet-lite0) and weights of a checkpoint.',
  ),
] as const;

/** Parameters of `pathology.extract`. */
export const parameters = defineParameters({
  with: {
    slide: { ...fileInput('slide', 'The slide.'), 'x-synonyms': ['wsi', 'image', 'path'] },
    patches: {
      ...fileInput('patches', 'Patches of the slide: output `patches` of pathology.patch.'),
      'x-synonyms': ['coords', 'tiles', 'coordinates'],
    },
    segments: {
      ...fileInput(
        'segments',
        'Masks of the slide: output `segments` of pathology.segment. Without masks there are no groups, and every relative area is 1.',
      ),
      'x-synonyms': ['masks', 'segmentation'],
    },
    encoder: {
      'x-synonyms': ['model', 'backbone', 'extractor', 'feature-extractor', 'network'],
      anyOf: ENCODER_FORMS,
      description:
        'Image encoder: `resnet50` (ImageNet photographs, third stage, 1024 features), `plip` (pathology pictures and their texts, 512), `efficientnet-lite0` (ImageNet photographs, 1280), `stain-texture` (stain and texture statistics, nothing learned, 64), a published pathology encoder such as `uni2-h` or `virchow2` (docs/encoders.md lists them), or a file that describes your own. Install the weights with `npx sam-mil models fetch`.',
    },
    encoders: {
      'x-synonyms': ['models', 'backbones', 'extractors'],
      type: 'array',
      items: { anyOf: ENCODER_FORMS },
      minItems: 1,
      description:
        'Several encoders in one reading, instead of `encoder`: each patch is decoded once, and each encoder gets its own bag with the same bits as if it were used alone. The outputs `bag`, `bag-pt` and `dim` are then `bag-<encoder>` and so on, with the name of the encoder or of its file.',
    },
    fallback: {
      type: 'string',
      enum: [...ENCODER_NAMES],
      description:
        'Encoder to use, with a warning, if the weights of `encoder` are not available. Absent: the step fails and explains how to install them.',
    },
    'batch-size': {
      'x-synonyms': ['batch', 'bs'],
      type: 'integer',
      minimum: 1,
      maximum: 4096,
      default: 32,
      description:
        'Number of patches encoded at once. Each finished batch is saved, so that a killed attempt resumes from it.',
    },
    'target-size': {
      'x-synonyms': ['input-size', 'resize', 'image-size'],
      type: 'integer',
      minimum: 32,
      maximum: 4096,
      description:
        "Side in pixels that patches are resized to. Default: the encoder's input size, 224 for most encoders.",
    },
    'group-features': {
      type: 'boolean',
      description:
        'Add one row per mask with members: the mean of their features. Default: true if segments are given.',
    },
    layout: {
      'x-synonyms': ['format'],
      type: 'string',
      enum: [...BAG_LAYOUTS],
      default: 'clam',
      description:
        "Names and attributes of the h5 file. `trident`: features_<encoder>/<name>.h5 with TRIDENT's attributes, and group rows only if `group-features` is true.",
    },
    precision: {
      'x-synonyms': ['dtype', 'fp16', 'amp'],
      type: 'string',
      enum: [...PRECISIONS, 'auto'],
      default: 'fp32',
      description:
        "Arithmetic of the encoder. `fp16` and `bf16` halve the time and memory on a GPU: matrix products use half floats, while normalization, softmax and the features stay in float32. `auto`: what the encoder's authors recommend if the machine that prepares the step has a GPU, else fp32. On the CPU, half precision gives the same features but is slower. Not for ONNX models and `stain-texture`.",
    },
    store: {
      'x-synonyms': ['feature-dtype', 'store-dtype', 'save-dtype'],
      type: 'string',
      enum: [...STORED_FLOATS],
      description:
        'Element type of the features in the files of the bag. Default: float32. `float16` halves their size, and each value is rounded to about three digits. All activities read both.',
    },
    device: deviceParameter('the encoder'),
    threads: threadsParameter(
      'CPU threads of the encoder. The same number (at most 8, or 16 with an accelerator) read patches ahead of it. Default: the cores of the host.',
    ),
  },
  required: ['slide', 'patches'],
});

export type ExtractWith = WithOf<typeof parameters>;
