import type { Json, JsonObject } from '../../../json.js';
import type { Catalog, CatalogEntry, ValueSchema } from '../../../activity-schema.js';
import { ITEM_TYPES, PARAM_TYPES } from '../read/param-types.js';
import { LANGUAGE_VERSION } from '../read/parse-pipeline.js';

/**
 * JSON Schema of pipeline files (draft-07, which editors support best): keys, types and, for each activity,
 * the parameters of `with`, so that an editor can complete and explain them. It accepts every correct file;
 * `validate` finds the mistakes that a schema cannot express (references, kinds, cycles).
 */
export function pipelineSchema(catalog: Catalog): JsonObject {
  const names = Object.keys(catalog).sort();
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: `urn:sam-mil:pipeline:${LANGUAGE_VERSION}`,
    title: 'sam-mil pipeline',
    type: 'object',
    required: ['pipeline', 'name', 'stages'],
    properties: {
      pipeline: { const: LANGUAGE_VERSION, description: 'Version of the language.' },
      name: text('Part of run ids and of the default work folder.'),
      description: text('Short description, one line.'),
      plugins: described(
        'Packages (by name) or modules (by path, relative to this file) with additional activities and models.',
        { type: ['string', 'array'], items: { type: 'string', minLength: 1 } },
      ),
      params: described('Values that can be set for a run with --set.', {
        type: 'object',
        additionalProperties: ref('param'),
      }),
      defaults: described(
        'Settings of all steps. A stage or a step can override them.',
        object(STAGE_SETTINGS),
      ),
      work: text(
        'Folder for all results, relative to this file. Default: work/<name> in the folder where the command runs.',
      ),
      stages: { type: 'object', minProperties: 1, additionalProperties: ref('stage') },
      'on-failure': {
        enum: ['hold', 'fail', 'continue'],
        default: 'hold',
        description:
          'When a stage fails: keep the run open for `resume` (hold), end it (fail), or run the stages that do not need the failed one (continue).',
      },
    },
    patternProperties: { '^x-': { description: 'Ignored. Can be used to define YAML anchors.' } },
    additionalProperties: false,
    definitions: { ...common(names, catalog), ...withDefinitions(names, catalog) },
  };
}

const EXPRESSION: JsonObject = {
  type: 'string',
  pattern: '\\$\\{\\{',
  description: 'An expression: ${{ … }}',
};

function ref(name: string): JsonObject {
  return { $ref: `#/definitions/${name}` };
}

function described(description: string, schema: JsonObject): JsonObject {
  return { description, ...schema };
}

function text(description: string): JsonObject {
  return { type: 'string', minLength: 1, description };
}

function object(properties: JsonObject, rest: JsonObject = {}): JsonObject {
  return { type: 'object', properties, additionalProperties: false, ...rest };
}

/** Accepts the value itself or an expression. */
function orExpression(schema: JsonObject): JsonObject {
  const { description, default: standard, ...form } = schema;
  return {
    ...(description === undefined ? {} : { description }),
    // Editors show and insert a default only where it is beside the key.
    ...(standard === undefined ? {} : { default: standard }),
    anyOf: [form, ref('expression')],
  };
}

const DURATION = (description: string): JsonObject =>
  orExpression({ type: 'string', pattern: '^\\d+(\\.\\d+)? ?(ms|s|m|h|d)$', description });

const STEP_SETTINGS: JsonObject = {
  'runs-on': {
    type: 'string',
    description: 'Queue of the workers that run the steps.',
    examples: ['cpu', 'gpu'],
  },
  timeout: DURATION('Maximum time for one attempt, such as 2h.'),
  heartbeat: DURATION('Time without a heartbeat after which an attempt counts as lost.'),
  stall: orExpression({
    type: 'string',
    pattern: '^(off|\\d+(\\.\\d+)? ?(ms|s|m|h|d))$',
    description: 'Time without progress after which an attempt is ended and retried, or off.',
  }),
  retry: object(
    {
      'max-attempts': orExpression({ type: 'integer', minimum: 1, maximum: 1000 }),
      'initial-interval': DURATION('Wait time before the first retry.'),
      'backoff-coefficient': orExpression({ type: 'number', minimum: 1, maximum: 100 }),
      'maximum-interval': DURATION('Maximum wait time between attempts.'),
      'non-retryable': described('Error types that are not retried.', {
        type: ['string', 'array'],
        items: { type: 'string' },
      }),
    },
    { description: 'How failed attempts are retried.' },
  ),
};

const STAGE_SETTINGS: JsonObject = {
  ...STEP_SETTINGS,
  'max-parallel': orExpression({
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    description: 'Maximum number of items that run at the same time.',
  }),
  'fail-fast': orExpression({
    type: 'boolean',
    description: 'Stop the other items after the first failure. Default: false.',
  }),
  'min-success': orExpression({
    type: 'number',
    minimum: 0,
    maximum: 1,
    description: 'Fraction of items that must succeed for the stage to succeed. Default: 1.',
  }),
};

function common(names: readonly string[], catalog: Catalog): JsonObject {
  const condition = {
    type: ['string', 'boolean'],
    description: 'Runs only if this is true. ${{ }} is optional.',
  };
  const uses = {
    description: 'The activity that does the work.',
    anyOf: names.map((name) => ({ const: name, description: catalog[name].summary })),
  };
  const stage: JsonObject = {
    description: text('Short description, one line.'),
    uses,
    with: { type: 'object' },
    steps: {
      type: 'array',
      minItems: 1,
      items: ref('step'),
      description: 'Activities that run in order for each item.',
    },
    needs: described('Stages that must end before this stage starts.', {
      type: ['string', 'array'],
      items: { type: 'string' },
    }),
    foreach: ref('foreach'),
    matrix: described(
      'Combinations of values that are the items; beside `foreach`, each has all its items.',
      {
        allOf: [ref('matrix')],
      },
    ),
    if: condition,
    outputs: { type: 'object', description: 'Outputs of each item. Default: the outputs of its last step.' },
    ...STAGE_SETTINGS,
  };
  const step: JsonObject = {
    id: text('Name of the step in ${{ steps.ID.outputs }}.'),
    uses,
    with: { type: 'object' },
    if: condition,
    ...STEP_SETTINGS,
  };
  const perActivity = names.map((name) => activityRule(name, catalog[name]));
  return {
    expression: EXPRESSION,
    param: param(),
    foreach: foreach(),
    matrix: matrix(),
    step: object(step, { required: ['id', 'uses'], allOf: perActivity }),
    stage: object(stage, {
      oneOf: [{ required: ['uses'] }, { required: ['steps'], not: { required: ['with'] } }],
      not: {
        required: ['foreach', 'matrix'],
        properties: { matrix: { type: 'object', required: ['from'] } },
      },
      allOf: perActivity,
    }),
  };
}

function param(): JsonObject {
  return object(
    {
      type: { enum: [...PARAM_TYPES] },
      default: { description: 'If absent, a value must be set with --set.' },
      enum: { type: 'array', minItems: 1, description: 'The only values allowed.' },
      minimum: { type: 'number' },
      maximum: { type: 'number' },
      items: { enum: [...ITEM_TYPES], description: 'Type of the members of a list.' },
      description: { type: 'string' },
    },
    { required: ['type'] },
  );
}

function foreach(): JsonObject {
  const sources: JsonObject = {
    glob: text('Files that match a pattern.'),
    dir: text('Files of a folder.'),
    csv: text('Rows of a CSV file with a header.'),
    list: { anyOf: [{ type: 'array' }, ref('expression')], description: 'Paths, or mappings of fields.' },
    from: text('Items of an earlier stage.'),
  };
  const names: JsonObject = {
    as: text('Name of the item in expressions. Default: item.'),
    key: text('Field that names the item. Default: name.'),
    exclude: described('CSV file of items to leave out, with the columns item and reason.', {
      type: ['string', 'null'],
    }),
  };
  const oneOf = Object.keys(sources).map((name) => ({ required: [name] }));
  return object({ ...sources, ...names }, { oneOf, description: 'Runs the stage for each of these items.' });
}

function matrix(): JsonObject {
  const pattern = { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } };
  const axis = { type: 'array', minItems: 1, items: { type: ['string', 'number', 'boolean'] } };
  const one: JsonObject = {
    type: 'object',
    minProperties: 1,
    description: 'Runs the stage for each combination of these values.',
    properties: {
      from: text('Cells of an earlier stage. Each cell starts as soon as the same cell there has ended.'),
      include: {
        type: 'array',
        items: pattern,
        description: 'Adds values to matching cells, or adds new cells.',
      },
      exclude: { type: 'array', items: pattern, description: 'Removes matching cells.' },
    },
    additionalProperties: orExpression(axis),
  };
  return {
    anyOf: [
      one,
      {
        type: 'array',
        minItems: 1,
        items: one,
        description: 'Several matrices whose cells are combined.',
      },
    ],
  };
}

/** Requires the `with` of an activity if `uses` names the activity. */
function activityRule(name: string, entry: CatalogEntry): JsonObject {
  const needsWith: JsonObject = entry.required.length > 0 ? { required: ['with'] } : {};
  return {
    if: { properties: { uses: { const: name } }, required: ['uses'] },
    then: { properties: { with: ref(`with.${name}`) }, ...needsWith },
  };
}

function withDefinitions(names: readonly string[], catalog: Catalog): JsonObject {
  const definitions = names.map((name) => {
    const { summary, required, with: parameters } = catalog[name];
    const properties = Object.entries(parameters).map(([key, schema]) => [
      key,
      orExpression(literal(schema)),
    ]);
    const rest = { description: summary, ...(required.length > 0 ? { required: [...required] } : {}) };
    return [`with.${name}`, object(Object.fromEntries(properties) as JsonObject, rest)];
  });
  return Object.fromEntries(definitions) as JsonObject;
}

/**
 * Removes the project's own keywords from a parameter's schema: an input is written as a path, the items of a
 * stage only as an expression.
 */
function literal(schema: ValueSchema): JsonObject {
  const { description, default: value } = schema;
  const notes = JSON.parse(JSON.stringify({ description, default: value })) as JsonObject;
  if (schema['x-input'] === 'file') return { ...notes, type: 'string' };
  if (schema['x-input'] === 'items')
    return { ...notes, ...EXPRESSION, description: description ?? 'Items of a stage.' };
  const { items, properties, anyOf, additionalProperties, 'x-choices': meanings, ...rest } = schema;
  const form: JsonObject = {};
  for (const [key, member] of Object.entries(rest) as [string, Json | undefined][]) {
    if (!key.startsWith('x-') && member !== undefined) form[key] = member;
  }
  if (meanings && form.enum) {
    delete form.enum;
    form.anyOf = Object.entries(meanings).map(([value, meaning]) => ({ const: value, description: meaning }));
  }
  if (items) form.items = orExpression(literal(items));
  if (anyOf) form.anyOf = anyOf.map(literal);
  if (additionalProperties !== undefined) {
    form.additionalProperties =
      typeof additionalProperties === 'boolean'
        ? additionalProperties
        : orExpression(literal(additionalProperties));
  }
  if (properties) {
    const nested = Object.entries(properties).map(
      ([name, inner]) => [name, orExpression(literal(inner))] as const,
    );
    form.properties = Object.fromEntries(nested);
  }
  return form;
}
