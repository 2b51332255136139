import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { BAG_LAYOUTS } from '../features/bag-layout.js';
import { ENCODER_NAMES } from './encoders/encoders.js';

/** Parameters of `pathology.extract`. */
export const parameters = defineParameters({
  with: {
    slide: fileInput('slide', 'The slide.'),
    patches: fileInput('patches', "The slide's patches: `patches` of pathology.patch."),
    segments: fileInput(
      'segments',
      "The slide's masks: `segments` of pathology.segment. Without them there are no groups, and every relative area is 1.",
    ),
    encoder: {
      anyOf: [
        { type: 'string', enum: [...ENCODER_NAMES] },
        fileInput(
          'encoder',
          'YAML or JSON file: name, and onnx, size, mean, std, dim of a model, or architecture (resnet50, clip-vit, efficientnet-lite0) and weights of a checkpoint.',
        ),
      ],
      description:
        'Image encoder: `resnet50` (ImageNet photographs, third stage, 1024 features), `plip` (pathology pictures and their texts, 512), `efficientnet-lite0` (ImageNet photographs, 1280), `stain-texture` (stain and texture statistics, nothing learned, 64), or a file that describes your own. Weights of the first two: `npx sam-mil models fetch`.',
    },
    fallback: {
      type: 'string',
      enum: [...ENCODER_NAMES],
      description:
        "Encoder to use, with a warning, where the weights of `encoder` can't be had. Absent: the step fails and says how to bring them.",
    },
    'batch-size': {
      type: 'integer',
      minimum: 1,
      maximum: 4096,
      default: 32,
      description:
        'Patches encoded at once; each finished batch is kept, so a killed attempt goes on from it.',
    },
    'target-size': {
      type: 'integer',
      minimum: 32,
      maximum: 4096,
      description:
        "Side in pixels that patches are resized to. Default: the encoder's own, 224 for the built-in ones.",
    },
    'group-features': {
      type: 'boolean',
      description:
        'Add a row for each mask with members: the mean of their features. Default: true where segments are given.',
    },
    layout: {
      type: 'string',
      enum: [...BAG_LAYOUTS],
      default: 'clam',
      description:
        "Names and attributes of the h5 file. `trident`: features_<encoder>/<name>.h5 with TRIDENT's attributes, and group rows only where `group-features` asks for them.",
    },
    precision: {
      type: 'string',
      enum: ['fp32'],
      default: 'fp32',
      description: 'Arithmetic of the encoder.',
    },
    device: {
      type: 'string',
      enum: ['auto', 'cpu', 'cuda', 'tensorrt'],
      default: 'auto',
      'x-not-in-key': true,
      description:
        'Where the encoder computes. One that does not work here is replaced by the CPU, and the log says why.',
    },
    threads: {
      type: 'integer',
      minimum: 1,
      maximum: 256,
      'x-not-in-key': true,
      description:
        'CPU threads of the encoder; as many (8 at most, 16 beside an accelerator) read patches ahead of it. Default: the cores of the host.',
    },
  },
  required: ['slide', 'patches', 'encoder'],
});

export type ExtractWith = WithOf<typeof parameters>;
