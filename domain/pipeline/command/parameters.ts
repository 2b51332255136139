import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Exit codes that stand for a wrong call or wrong data, after sysexits.h; argparse and grep use 2. */
export const NON_RETRYABLE_CODES = [2, 64, 65, 66, 78] as const;

const TEXT = { type: ['string', 'number', 'boolean'] } as const;

/** Parameters of `pipeline.command`. */
export const parameters = defineParameters({
  with: {
    command: {
      anyOf: [
        { type: 'array', items: TEXT, minItems: 1 },
        { type: 'string', minLength: 1 },
      ],
      'x-placeholders': true,
      description:
        'The program and its arguments, as a list: each entry is passed to the program as it is. Text is a script for the `shell`. Placeholders: `{script}`, `{inputs.NAME}`, `{items.NAME}`, `{outputs.NAME}`, `{params.NAME}`, `{checkpoint}`, `{job}`.',
    },
    shell: {
      type: 'string',
      enum: ['bash', 'sh'],
      description:
        'Runs `command`, which is then text, in this shell: `bash --noprofile --norc -eo pipefail` or `sh -e`. Placeholders are quoted. Default: no shell.',
    },
    script: fileInput(
      'any',
      'The file or folder with the program itself, `{script}` in `command`. The step runs again when it is edited.',
    ),
    inputs: {
      type: 'object',
      additionalProperties: fileInput('any', 'A path, or a file output of an earlier step or stage.'),
      default: {},
      description: 'Files and folders to read, by name. The step runs again when one of them changes.',
    },
    items: {
      type: 'object',
      additionalProperties: itemsInput('any', 'The items of a stage.'),
      default: {},
      description:
        'Items of earlier stages, by name. `{items.NAME}` is a file with one JSON object per item: `key`, `status`, `fields`, `outputs`.',
    },
    outputs: {
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1 },
      default: {},
      description:
        'Files that the program must write, by output name. Paths are relative to the working folder of the program.',
    },
    params: {
      type: 'object',
      default: {},
      description:
        'Values for the program, by name: `{params.NAME}` in `command`, or `params` in the job file.',
    },
    env: {
      type: 'object',
      additionalProperties: TEXT,
      default: {},
      'x-placeholders': true,
      description: 'Environment variables. They can contain placeholders.',
    },
    'pass-env': {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      default: [],
      description:
        'Names of variables to pass from the environment of the worker, such as a token. Their values are not recorded, not part of the cache key, and replaced by *** in the log.',
    },
    stdout: {
      type: 'string',
      minLength: 1,
      description: 'Name of the output that receives the standard output. Default: it goes to the log.',
    },
    version: {
      type: ['string', 'number'],
      description: 'Any text, such as the version of the program. The step runs again when it changes.',
    },
    'non-retryable-codes': {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 255 },
      default: NON_RETRYABLE_CODES,
      'x-not-in-key': true,
      description: 'Exit codes after which the step is not retried.',
    },
  },
  required: ['command'],
});

export type CommandWith = WithOf<typeof parameters>;
