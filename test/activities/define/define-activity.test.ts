import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defineActivity,
  fileInput,
  itemsInput,
  type Schema,
} from '../../../activities/define/define-activity.js';
import type { InputFile, Run } from '../../../domain/job.js';
import type { JsonObject } from '../../../domain/json.js';
import { defineModel } from '../../../domain/mil/models/registry.js';
import type { BuildModel } from '../../../domain/mil/models/model.js';
import { camelCase, defineParameters, type WithOf } from '../../../domain/parameters.js';

/** Equal in both directions, so that neither an optional member nor a wider type passes. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const parameters = defineParameters({
  with: {
    slide: fileInput('slide', 'A slide.'),
    bags: itemsInput('bag', 'Bags.'),
    'patch-size-level0': { type: 'integer', minimum: 1, description: 'Side.' },
    mode: { type: 'string', enum: ['fast', 'exact'], default: 'exact', description: 'Mode.' },
    encoder: { anyOf: [{ enum: ['own'] }, fileInput('encoder', 'A file.')], description: 'Encoder.' },
    names: { type: ['string', 'array'], items: { type: 'string' }, description: 'Names.' },
    regions: { type: 'array', items: { type: 'integer' }, default: [1, 2], description: 'Regions.' },
    nothing: { type: ['boolean', 'null'], default: null, description: 'Nothing.' },
  },
  required: ['slide', 'encoder'],
});

interface Expected {
  slide: InputFile;
  bags?: InputFile;
  patchSizeLevel0?: number;
  mode: 'fast' | 'exact';
  encoder: 'own' | InputFile;
  names?: string | string[];
  regions: number[];
  nothing: boolean | null;
}

const rest = {
  name: 'test.typed',
  version: 1,
  summary: '',
  outputs: {},
  queue: 'cpu',
  timeout: '1m',
  heartbeat: '1m',
  isolation: 'inline',
  resumesFrom: '',
} as const;

const loads =
  <With>(run: Run<With>) =>
  () =>
    Promise.resolve({ run });

test('the type of `job.with` follows from the schemas: names, choices, inputs, and what may be absent', () => {
  const same: Same<WithOf<typeof parameters>, { [Name in keyof Expected]: Expected[Name] }> = true;
  assert.ok(same);
  assert.equal(camelCase('patch-size-level0'), 'patchSizeLevel0');
});

test('an implementation with other parameters does not compile; one that accepts any JSON does', async () => {
  const done = { files: {} };
  const typed = defineActivity({
    ...{ ...rest, ...parameters },
    load: loads(async ({ with: { mode } }: { with: Expected }) => ({ ...done, values: { mode } })),
  });
  assert.equal(typed.with, parameters.with, 'the schemas are those given');
  defineActivity({ ...rest, ...parameters, load: loads<JsonObject>(async () => done) });
  // @ts-expect-error There is no parameter `level`.
  defineActivity({ ...rest, ...parameters, load: loads<{ level: number }>(async () => done) });
  // @ts-expect-error `mode` is not a number.
  defineActivity({ ...rest, ...parameters, load: loads<{ mode: number }>(async () => done) });
  // @ts-expect-error `bags` may be absent.
  defineActivity({ ...rest, ...parameters, load: loads<{ bags: InputFile }>(async () => done) });
  // @ts-expect-error No parameter has that name.
  defineActivity({ ...rest, with: parameters.with, required: ['level'], load: loads(async () => done) });
});

test('a plain JSON Schema is accepted unchanged, and its parameters are any JSON', () => {
  const plain: Record<string, Schema> = { level: { type: 'integer', description: 'A level.' } };
  const load = loads<JsonObject>(async () => ({ files: {} }));
  assert.equal(defineActivity({ ...rest, with: plain, required: ['level'], load }).with, plain);
});

test('a model built with options that it does not describe does not compile', () => {
  const options = { gain: { type: 'number', default: 1, description: 'Gain.' } } as const;
  const known = { summary: '', attentionDim: 1, options };
  const built = <Options>(): Promise<BuildModel<Options>> => Promise.reject(new Error('not built here'));
  assert.equal(defineModel({ ...known, load: () => built<{ gain: number }>() }).options, options);
  defineModel({ ...known, load: () => built<Record<string, string | number | boolean>>() });
  // @ts-expect-error `gain` is not text.
  defineModel({ ...known, load: () => built<{ gain: string }>() });
});
