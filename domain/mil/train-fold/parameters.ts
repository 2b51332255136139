import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { ENCODER_OF_BAGS } from '../bags/encoder-parameter.js';

const LOSSES = ['cross-entropy', 'hazard', 'cox', 'mse', 'huber', 'l1'] as const;
export type LossName = (typeof LOSSES)[number];

/** Parameters of `mil.train-fold` for all models. */
export const parameters = defineParameters({
  with: {
    bags: {
      ...itemsInput('bag', 'Bags: the items of the stage that extracted the features.'),
      'x-synonyms': ['features', 'data'],
    },
    encoder: ENCODER_OF_BAGS,
    splits: { ...fileInput('splits', 'Splits file of mil.split.'), 'x-synonyms': ['split', 'split-file'] },
    repeat: { type: 'integer', minimum: 0, description: 'Repeat of the cross-validation, from 0.' },
    fold: { type: 'integer', minimum: 0, description: 'Fold, from 0.' },
    model: {
      'x-synonyms': ['network', 'architecture', 'arch', 'mil-model'],
      type: 'string',
      description: 'Model to train.',
    },
    'group-features': {
      type: 'boolean',
      default: true,
      description: 'Whether the bags keep their group rows, if they have any.',
    },
    standardize: {
      'x-synonyms': ['normalize', 'normalise', 'standardise'],
      type: 'boolean',
      default: false,
      description:
        "Whether to standardize the features with the mean and standard deviation of the fold's training instances. The checkpoint stores both.",
    },
    epochs: {
      'x-synonyms': ['epoch', 'max-epochs', 'num-epochs', 'n-epochs'],
      type: 'integer',
      minimum: 1,
      default: 200,
      description: 'Maximum number of epochs.',
    },
    patience: {
      'x-synonyms': ['early-stopping', 'early-stop'],
      type: 'integer',
      minimum: 1,
      default: 30,
      description: 'Number of consecutive epochs below the best validation score after which training stops.',
    },
    'stop-epoch': {
      type: 'integer',
      minimum: 0,
      default: 130,
      description: 'Training does not stop early before the end of this epoch, counted from 0.',
    },
    lr: {
      'x-synonyms': ['learning-rate', 'alpha', 'step-size'],
      type: 'number',
      exclusiveMinimum: 0,
      default: 2e-4,
      description: 'Learning rate of the optimizer.',
    },
    'weight-decay': {
      'x-synonyms': ['wd', 'l2', 'reg', 'regularization'],
      type: 'number',
      minimum: 0,
      default: 1e-5,
      description:
        "Weight decay. With adam, an L2 penalty that is added to the gradients (coupled, as in PyTorch's Adam). With adamw, each step multiplies the weights by 1 - lr x weight-decay.",
    },
    optimizer: {
      'x-synonyms': ['optimiser', 'opt', 'optim'],
      type: 'string',
      enum: ['adam', 'adamw'],
      default: 'adam',
      description: 'adam: as in the published trainers. adamw: Adam with decoupled weight decay.',
    },
    beta2: {
      'x-synonyms': ['adam-beta2'],
      type: 'number',
      minimum: 0,
      maximum: 0.999999,
      default: 0.999,
      description: "Share of the optimizer's second moments that each step keeps.",
    },
    loss: {
      'x-synonyms': ['criterion', 'bag-loss-function', 'head', 'objective'],
      type: 'string',
      enum: LOSSES,
      description:
        'Loss of a bag. For classes: cross-entropy (default). For survival: hazard (default; discrete-time likelihood over `time-bins`) or cox (partial likelihood over the bags of a step). For regression: mse (default), huber or l1.',
    },
    'time-bins': {
      'x-synonyms': ['bins', 'num-bins', 'n-bins', 'discrete-times'],
      type: 'integer',
      minimum: 1,
      maximum: 100,
      description:
        'Only for loss hazard: number of time bins. Their edges are quantiles of the times with an event, of the training patients of the fold. Default: 4.',
    },
    'censored-discount': {
      'x-synonyms': ['alpha-surv', 'nll-alpha'],
      type: 'number',
      minimum: 0,
      maximum: 1,
      description: 'Only for loss hazard: how much less censored bags count, 0 to 1. Default: 0.',
    },
    'cox-ties': {
      'x-synonyms': ['ties'],
      type: 'string',
      enum: ['efron', 'breslow'],
      description: 'Only for loss cox: how events at the same time share a risk set. Default: efron.',
    },
    'huber-delta': {
      'x-synonyms': ['delta'],
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Only for loss huber: the error, in the unit of the value, from which the loss grows linearly. Default: 1.',
    },
    'bags-per-step': {
      'x-synonyms': ['batch-size', 'gradient-accumulation', 'accumulate', 'gc'],
      type: 'integer',
      minimum: 1,
      description:
        'Number of bags whose gradients are averaged before the weights are updated once. The last step of an epoch may have fewer. With loss cox, the patients at risk are those of the same step. Default: 1; 16 for loss cox, at least 2.',
    },
    'class-weights': {
      'x-synonyms': ['weighted-loss', 'weights', 'balanced'],
      type: 'string',
      enum: ['off', 'balanced'],
      default: 'off',
      description:
        'balanced: multiplies the gradient of a bag by bags / (classes x bags of its class). off: no weights, as in the published trainers. Only for classes.',
    },
    scheduler: {
      'x-synonyms': ['lr-scheduler', 'lr-schedule'],
      type: 'string',
      enum: ['cosine', 'step', 'constant'],
      default: 'cosine',
      description:
        'Learning rate schedule. cosine: decreases to 0 along a cosine. step: multiplied by 0.2 after half of the epochs. constant: unchanged.',
    },
    seed: {
      'x-synonyms': ['random-seed', 'random-state', 'rng'],
      type: 'integer',
      minimum: 0,
      default: 2021,
      description:
        'Seed of all random streams (initial weights, order, dropout, masks), together with repeat and fold.',
    },
    dropout: {
      'x-synonyms': ['drop-out', 'drop-rate'],
      type: 'number',
      minimum: 0,
      maximum: 0.9,
      default: 0.25,
      description: 'Dropout rate after the embedding. 0 also disables all other dropout of the model.',
    },
    'embed-dim': {
      'x-synonyms': ['hidden-dim', 'embedding-dim', 'embedding-size', 'hidden-size'],
      type: 'integer',
      minimum: 1,
      default: 512,
      description: 'Length of an embedded instance.',
    },
    'attention-dim': {
      type: 'integer',
      minimum: 1,
      description: 'Hidden units of the attention. The default depends on the model and is usually 128.',
    },
    select: {
      type: 'string',
      enum: ['best', 'last'],
      default: 'best',
      description:
        'Epoch whose weights are kept. best: the one with the best validation score: greatest AUC for classes, greatest concordance (Harrell) for survival, least RMSE for regression. last: the last one.',
    },
    'validate-on': {
      type: 'string',
      enum: ['val', 'test'],
      default: 'val',
      description:
        'Set that selects the epoch. test matches the published trainer without a validation set, which gives optimistic results.',
    },
    backend: {
      'x-synonyms': ['device', 'gpu', 'cuda', 'use-gpu'],
      type: 'string',
      enum: ['auto', 'tensorflow', 'js'],
      default: 'auto',
      description:
        'Compute backend. auto: JavaScript for models that only embed and pool, with bags of a few dozen short instances (twice as fast there); otherwise native TensorFlow, on the GPU if there is one, or JavaScript with a warning if TensorFlow cannot be loaded (about 50 times slower). The checkpoint states which one was used.',
    },
    teacher: fileInput(
      'checkpoint',
      "Initial teacher of mhim-mil: checkpoint of its plain baseline (abmil with scoring relu, transmil with variant baseline, dsmil with query tanh and value relu), trained on the same fold. A checkpoint of a different fold is rejected because its training included test slides. Default: the student's initial weights.",
    ),
    'checkpoint-format': {
      type: 'string',
      enum: ['safetensors', 'pt'],
      default: 'safetensors',
      description:
        'File format of the checkpoint. pt: torch.load(path, weights_only=True) returns a dict with the weights under `model`.',
    },
    'save-every': {
      'x-synonyms': ['checkpoint-every', 'save-interval'],
      type: 'number',
      minimum: 0,
      default: 10,
      'x-not-in-key': true,
      description: 'Seconds between saved states. An interruption loses at most this much training time.',
    },
    'bag-memory': {
      'x-synonyms': ['memory', 'cache'],
      type: 'number',
      minimum: 0,
      'x-not-in-key': true,
      description:
        'Features to keep in memory, in GiB. Other bags are read again each epoch, ahead of the step that needs them. Default: a quarter of the memory.',
    },
  },
  required: ['bags', 'splits', 'repeat', 'fold', 'model'],
});

/** The parameters, and the options of the model by their camelCase names. */
export type TrainFoldWith = WithOf<typeof parameters> & Record<string, unknown>;
