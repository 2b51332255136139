import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.train-fold` that every model has. */
export const parameters = defineParameters({
  with: {
    bags: itemsInput('bag', 'Bags: the items of the stage that made the features.'),
    splits: fileInput('splits', 'Splits file of mil.split.'),
    repeat: { type: 'integer', minimum: 0, description: 'Repeat of the cross-validation, from 0.' },
    fold: { type: 'integer', minimum: 0, description: 'Fold, from 0.' },
    model: { type: 'string', description: 'The model to train.' },
    'group-features': {
      type: 'boolean',
      default: true,
      description: 'Whether the bags keep their group rows, where they have any.',
    },
    standardize: {
      type: 'boolean',
      default: false,
      description:
        'Standardize the features by mean and deviation over the training instances of the fold; the checkpoint keeps both.',
    },
    epochs: { type: 'integer', minimum: 1, default: 200, description: 'Epochs at most.' },
    patience: {
      type: 'integer',
      minimum: 1,
      default: 30,
      description: 'Epochs in a row below the best validation AUC after which training stops.',
    },
    'stop-epoch': {
      type: 'integer',
      minimum: 0,
      default: 130,
      description: 'Epoch (from 0) that must have passed before training may stop early.',
    },
    lr: { type: 'number', exclusiveMinimum: 0, default: 2e-4, description: 'Learning rate of Adam.' },
    'weight-decay': {
      type: 'number',
      minimum: 0,
      default: 1e-5,
      description: 'L2 penalty, added to the gradients (coupled, as in PyTorch Adam).',
    },
    'class-weights': {
      type: 'string',
      enum: ['off', 'balanced'],
      default: 'off',
      description:
        'balanced: the gradient of a bag counts bags / (classes x bags of its class) times. The published trainers have none.',
    },
    scheduler: {
      type: 'string',
      enum: ['cosine', 'step', 'constant'],
      default: 'cosine',
      description:
        'Learning rate over the epochs: cosine to 0, step (a fifth from half of the epochs on), constant.',
    },
    seed: {
      type: 'integer',
      minimum: 0,
      default: 2021,
      description:
        'Together with repeat and fold it names every random stream: first weights, order, dropout, masks.',
    },
    dropout: {
      type: 'number',
      minimum: 0,
      maximum: 0.9,
      default: 0.25,
      description: "Dropout rate after the embedding. 0 turns off the models' other dropout too.",
    },
    'embed-dim': {
      type: 'integer',
      minimum: 1,
      default: 512,
      description: 'Length of an embedded instance.',
    },
    'attention-dim': {
      type: 'integer',
      minimum: 1,
      description: "Hidden units of the attention. Default: the model's own, 128 for most.",
    },
    select: {
      type: 'string',
      enum: ['best-auc', 'last'],
      default: 'best-auc',
      description: 'The epoch whose weights are kept: that of the best validation AUC, or the last.',
    },
    'validate-on': {
      type: 'string',
      enum: ['val', 'test'],
      default: 'val',
      description:
        'The set that chooses the epoch. test does as the published trainer without a validation set does, which flatters the result.',
    },
    backend: {
      type: 'string',
      enum: ['auto', 'tensorflow', 'js'],
      default: 'auto',
      description:
        'auto: JavaScript for models that only embed and pool, on bags of some dozen short instances (twice as fast there); else native TensorFlow, on the GPU where there is one, or JavaScript with a warning where it can not be loaded (about 50 times slower). The checkpoint says which.',
    },
    teacher: fileInput(
      'checkpoint',
      "First teacher of mhim-mil: checkpoint of its plain baseline (abmil with scoring relu, transmil with variant baseline, dsmil with query tanh and value relu), trained on the same fold; of another fold it is refused, as it has seen the slides that are tested. Absent: the student's first weights.",
    ),
    'checkpoint-format': {
      type: 'string',
      enum: ['safetensors', 'pt'],
      default: 'safetensors',
      description:
        'What the checkpoint is written as. pt: torch.load(path, weights_only=True) gives a dict with the weights as `model`.',
    },
    'save-every': {
      type: 'number',
      minimum: 0,
      default: 10,
      'x-not-in-key': true,
      description: 'Seconds between saved states: what a kill may cost.',
    },
    'bag-memory': {
      type: 'number',
      minimum: 0,
      'x-not-in-key': true,
      description:
        'GiB of features that are kept in memory; the other bags are read anew each epoch, ahead of the step that needs them. Default: a quarter of the memory.',
    },
  },
  required: ['bags', 'splits', 'repeat', 'fold', 'model'],
});

/** Beside the parameters there are the options of the model, by their camelCase names. */
export type TrainFoldWith = WithOf<typeof parameters> & Record<string, unknown>;
