import type { JsonObject } from '../../domain/json.js';
import {
  allModelOptions,
  modelEntry,
  modelNames,
  refuseForeignOptions,
} from '../../domain/mil/models/registry.js';
import type { ModelOption } from '../../domain/mil/models/model-options.js';
import { reads } from '../../domain/mil/train-fold/reads.js';
import { parameters } from '../../domain/mil/train-fold/parameters.js';
import { defineActivity, fileOutput, type Schema } from '../define/define-activity.js';

/**
 * The options of the models. The schema has no defaults, so that an option set for a different model is
 * detected and rejected.
 */
function modelOptions(models: readonly string[]): Record<string, Schema> {
  return Object.fromEntries(
    allModelOptions(models).map(({ name, option, defaults }) => {
      const owners = [...defaults].map(([model, standard]) => `${model} (default ${standard})`);
      return [
        name,
        { ...withoutDefault(option), description: `${option.description} Only for ${owners.join(', ')}.` },
      ];
    }),
  );
}

function withoutDefault({ default: _, ...schema }: ModelOption): Schema {
  return schema;
}

function parametersFor(models: readonly string[]) {
  const summaries = Object.fromEntries(models.map((name) => [name, modelEntry(name).summary]));
  const model = { ...parameters.with.model, enum: models, 'x-choices': summaries };
  return { ...parameters.with, model, ...modelOptions(models) };
}

export const definition = defineActivity({
  name: 'mil.train-fold',
  version: 9,
  summary: 'Trains one MIL model on one fold and keeps the weights of the best epoch',
  // Computed on each access because plugins add models.
  get with() {
    return parametersFor(modelNames());
  },
  withModels: parametersFor,
  hiddenInputs: async ({ model }): Promise<JsonObject> => {
    const { version } = modelEntry(model as string);
    return version === undefined ? {} : { 'model-version': version };
  },
  modelsUsed: async ({ model }) => [model as string],
  check: async (step) => {
    const { model, ...given } = step.with;
    if (typeof model === 'string') refuseForeignOptions(model, Object.keys(given));
    return (await import('../../domain/mil/train-fold/check-train-fold.js')).checkTrainFold(step);
  },
  required: parameters.required,
  reads,
  outputs: {
    checkpoint: fileOutput(
      'checkpoint',
      'checkpoints/<cell>.safetensors (or .pt): weights and everything needed to rebuild the model.',
    ),
    history: fileOutput(
      'history',
      'history/<cell>.csv: losses, learning rate and validation score (val_auc, val_concordance or val_rmse) of each epoch.',
    ),
    'best-epoch': { type: 'integer', description: 'The epoch of the weights, counted from 1.' },
    metrics: {
      type: 'object',
      description:
        'train-loss and val-auc (val-concordance, val-rmse) of that epoch, number of epochs, whether training stopped early, a note.',
    },
  },
  queue: 'gpu',
  timeout: '2d',
  heartbeat: '2m',
  stall: '1h',
  isolation: 'child',
  requires: ['tensorflow'],
  resumesFrom: 'the last saved step (an interruption loses at most `save-every` seconds)',
  load: () => import('../../domain/mil/train-fold/train-fold.js'),
});
