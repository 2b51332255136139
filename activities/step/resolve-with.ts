import { fillDefaults, type SchemaFault } from '../../domain/engine/language/check/schema-faults.js';
import { SamMilError } from '../../domain/errors.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { lookUp } from '../../domain/activity-schema.js';
import type { ActivityDefinition, Schema } from '../define/define-activity.js';

/** A step's parameters, checked and with defaults, and the inputs among them. */
export interface ResolvedWith {
  /** With defaults; inputs as given. */
  parameters: JsonObject;
  inputs: GivenInput[];
  /** The literal part of the cache key: without inputs and without what changes only speed. */
  inKey: JsonObject;
}

export interface GivenInput {
  /** Place in `with`: `['tables', 0]`. */
  place: (string | number)[];
  kind: 'file' | 'items';
  value: Json;
  /** Whether the digest of its content is part of the cache key. */
  inKey: boolean;
}

/**
 * Checks `with` against the activity's schema and fills in defaults. A null optional parameter counts as
 * absent, and so does an optional input or number with empty text (an empty CSV field).
 * @throws SamMilError InvalidInput naming every invalid parameter
 */
export function resolveWith(definition: ActivityDefinition, given: JsonObject): ResolvedWith {
  const parameters = withoutAbsent(definition, structuredClone(given));
  const faults = fillDefaults(schemaOf(definition), parameters);
  if (faults.length > 0) throw invalidWith(definition, faults);
  const inputs: GivenInput[] = [];
  const inKey: JsonObject = {};
  for (const [name, value] of Object.entries(parameters)) {
    const schema = definition.with[name];
    const counts = !schema?.['x-not-in-key'];
    const rest = schema ? takeInputs(schema, value, { place: [name], inKey: counts }, inputs) : value;
    if (rest !== undefined && counts) inKey[name] = rest;
  }
  return { parameters, inputs, inKey };
}

/**
 * Returns the value without its inputs, which are added to `found`; undefined if the value itself is an
 * input.
 */
function takeInputs(
  schema: Schema,
  value: Json,
  at: Pick<GivenInput, 'place' | 'inKey'>,
  found: GivenInput[],
): Json | undefined {
  const kind = inputKind(schema, value);
  if (kind) {
    found.push({ ...at, kind, value });
    return undefined;
  }
  const { items, properties = {}, additionalProperties } = schema;
  const below = (step: string | number) => ({ ...at, place: [...at.place, step] });
  if (items && Array.isArray(value)) {
    return value.map((member, index) => takeInputs(items, member, below(index), found) ?? null);
  }
  if (isJsonObject(value)) {
    const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
    const rest = Object.entries(value).map(([name, member]) => {
      const schemaOf = lookUp(properties, name) ?? others;
      return [name, schemaOf ? takeInputs(schemaOf, member, below(name), found) : member] as const;
    });
    return Object.fromEntries(rest.filter(([, member]) => member !== undefined)) as JsonObject;
  }
  return value;
}

/** A schema may allow names or a file (`preset`: one of four, or a CSV file). Such a name is not an input. */
function inputKind(schema: Schema, value: Json): 'file' | 'items' | undefined {
  if (schema['x-input']) return schema['x-input'];
  const branches = schema.anyOf ?? [];
  const named = branches.some((branch) => branch.const === value || branch.enum?.includes(value));
  return named ? undefined : branches.find((branch) => branch['x-input'])?.['x-input'];
}

/**
 * An expression may leave an option of one matrix cell open by giving null; an optional input or number may
 * also come as an empty CSV field.
 */
function withoutAbsent(definition: ActivityDefinition, parameters: JsonObject): JsonObject {
  for (const [name, schema] of Object.entries(definition.with)) {
    if (definition.required.includes(name)) continue;
    if (parameters[name] === null || (parameters[name] === '' && emptyIsAbsent(schema)))
      delete parameters[name];
  }
  return parameters;
}

/** A file or a number cannot be empty text. */
function emptyIsAbsent(schema: Schema): boolean {
  return isInput(schema) || schema.type === 'number' || schema.type === 'integer';
}

function isInput(schema: Schema): boolean {
  return schema['x-input'] !== undefined || (schema.anyOf ?? []).some(isInput);
}

const schemas = new WeakMap<ActivityDefinition, Schema>();

function schemaOf(definition: ActivityDefinition): Schema {
  let schema = schemas.get(definition);
  if (schema === undefined) {
    const { with: properties, required } = definition;
    schema = { type: 'object', properties, required, additionalProperties: false };
    schemas.set(definition, schema);
  }
  return schema;
}

function invalidWith({ name }: ActivityDefinition, faults: readonly SchemaFault[]): SamMilError {
  const texts = faults.map(({ path, what, hint }) => {
    const subject = path.length === 0 ? '`with`' : `\`${path.join('.')}\``;
    return `${subject} ${what}${hint === undefined ? '' : ` (${hint})`}`;
  });
  return new SamMilError('InvalidInput', `the parameters of ${name} are invalid: ${texts.join('; ')}`, {
    next: 'correct `with` of the step in the pipeline file; `sam-mil validate` checks what is known before a run',
  });
}
