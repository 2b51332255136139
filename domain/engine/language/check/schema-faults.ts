import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Json } from '../../../json.js';
import type { ValueSchema } from '../../../activity-schema.js';
import { listed, nearest, suggest } from '../expressions/did-you-mean.js';
import { meantParameter } from './parameter-names.js';
import { describeValue, numberHint } from '../read/describe.js';

/** A violation of a schema: a description, and the path to the invalid part of the value. */
export interface SchemaFault {
  path: string[];
  /** Completes "`name` …". */
  what: string;
  code: 'wrong-type' | 'wrong-kind' | 'bad-value' | 'missing-key' | 'unknown-key';
  /** Name of the key that is missing or unknown. */
  key?: string;
  hint?: string;
}

const ajv = new Ajv2020({ allErrors: true, strict: false, strictNumbers: true, verbose: true });
const compiled = new WeakMap<ValueSchema, ValidateFunction>();

/** Returns the faults of `value` in the order of the schema's keywords; empty if it is valid. */
export function schemaFaults(schema: ValueSchema, value: Json): SchemaFault[] {
  return faultsOf(schema, value, compiled, () => ajv.compile(literalForm(schema)));
}

const filling = new Ajv2020({ allErrors: true, strict: false, verbose: true, useDefaults: true });
const fillers = new WeakMap<ValueSchema, ValidateFunction>();

/**
 * Like {@link schemaFaults}, for a value whose inputs are references instead of paths. Adds the defaults of
 * the schema to the value.
 */
export function fillDefaults(schema: ValueSchema, value: Json): SchemaFault[] {
  return faultsOf(schema, value, fillers, () => filling.compile(schema));
}

function faultsOf(
  schema: ValueSchema,
  value: Json,
  known: WeakMap<ValueSchema, ValidateFunction>,
  compile: () => ValidateFunction,
): SchemaFault[] {
  const validate = known.get(schema) ?? compile();
  known.set(schema, validate);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf');
  const mistyped = errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath);
  const faults = errors
    .filter((error) => !alternatives.some((anyOf) => error.schemaPath.startsWith(`${anyOf.schemaPath}/`)))
    .filter(({ keyword, instancePath }) => keyword === 'type' || !mistyped.includes(instancePath))
    .map(toFault);
  return withoutMisspelt(faults);
}

/** A key that is misspelt is both unknown and missing; only the former is reported. */
function withoutMisspelt(faults: readonly SchemaFault[]): SchemaFault[] {
  const guesses = faults.flatMap((fault) => {
    if (fault.code !== 'unknown-key' || fault.key === undefined) return [];
    const beside = faults.filter(
      ({ code, path }) => code === 'missing-key' && path.join() === fault.path.join(),
    );
    const meant = nearest(
      fault.key,
      beside.flatMap(({ key }) => key ?? []),
    );
    return meant === undefined ? [] : [{ fault, missing: beside.find(({ key }) => key === meant), meant }];
  });
  return faults.flatMap((fault) => {
    if (guesses.some(({ missing }) => missing === fault)) return [];
    const meant = guesses.find((guess) => guess.fault === fault)?.meant;
    return [meant === undefined ? fault : { ...fault, hint: `did you mean \`${meant}\`?` }];
  });
}

/** Returns the alternatives of a schema: those of `anyOf`, or the schema itself. */
export function listForms(schema: ValueSchema): ValueSchema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(listForms);
}

/**
 * The schema for literal values in a file: an input is written as a path, and the items of a stage cannot be
 * written as a literal.
 */
function literalForm(schema: ValueSchema): ValueSchema {
  if (schema['x-input'] === 'file') return { type: 'string', minLength: 1, 'x-input': 'file' };
  if (schema['x-input'] === 'items') return { type: 'null', 'x-input': 'items' };
  const form = { ...schema };
  if (schema.items) form.items = literalForm(schema.items);
  if (schema.anyOf) form.anyOf = schema.anyOf.map(literalForm);
  if (typeof schema.additionalProperties === 'object')
    form.additionalProperties = literalForm(schema.additionalProperties);
  if (schema.properties) {
    const properties = Object.entries(schema.properties).map(
      ([name, inner]) => [name, literalForm(inner)] as const,
    );
    form.properties = Object.fromEntries(properties);
  }
  return form;
}

function toFault(error: ErrorObject): SchemaFault {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const found = describeValue(error.data as Json);
  const params = error.params as Record<string, unknown>;
  const input = (error.parentSchema as ValueSchema)['x-input'];
  if (input === 'items') {
    const hint = 'write ${{ needs.STAGE.items }}';
    return { path, code: 'wrong-kind', what: `must be the items of a stage, found ${found}`, hint };
  }
  if (input === 'file' && error.keyword === 'type') {
    return { path, code: 'wrong-type', what: `must be a path or the output of a step, found ${found}` };
  }
  switch (error.keyword) {
    case 'type':
      return {
        path,
        code: 'wrong-type',
        ...typeFault(error.schema as string | string[], error.data as Json),
      };
    case 'enum':
      return { path, code: 'bad-value', ...enumFault(error.schema as Json[], error.data as Json) };
    case 'anyOf':
      return {
        path,
        code: 'wrong-type',
        what: `must be ${formWords(error.schema as ValueSchema[])}, found ${found}`,
      };
    case 'required':
      return missingKey(path, String(params.missingProperty));
    case 'additionalProperties':
      return unknownKey(path, String(params.additionalProperty), error.parentSchema as ValueSchema);
    case 'pattern':
      return { path, code: 'bad-value', what: `must match ${String(params.pattern)}, found ${found}` };
    case 'minLength':
      return { path, code: 'bad-value', what: 'cannot be empty' };
    case 'minItems':
    case 'maxItems':
      return { path, code: 'bad-value', what: lengthFault(error) };
    case 'minimum':
      return { path, code: 'bad-value', what: `must be at least ${String(error.schema)}, found ${found}` };
    case 'maximum':
      return { path, code: 'bad-value', what: `must be at most ${String(error.schema)}, found ${found}` };
    case 'exclusiveMinimum':
      return { path, code: 'bad-value', what: `must be more than ${String(error.schema)}, found ${found}` };
    default:
      return { path, code: 'bad-value', what: `${error.message ?? 'is invalid'}, found ${found}` };
  }
}

function missingKey(path: string[], key: string): SchemaFault {
  return { path, code: 'missing-key', what: `requires the key \`${key}\``, key };
}

function unknownKey(path: string[], key: string, { properties = {} }: ValueSchema): SchemaFault {
  const meant = meantParameter(key, properties);
  const hint = meant === undefined ? suggest(key, Object.keys(properties)) : `did you mean \`${meant}\`?`;
  return { path, code: 'unknown-key', what: `has no key \`${key}\``, key, hint };
}

function lengthFault({ keyword, schema, data, parentSchema }: ErrorObject): string {
  const { minItems, maxItems } = parentSchema as ValueSchema;
  const bound = minItems === maxItems ? '' : keyword === 'minItems' ? 'at least ' : 'at most ';
  return `must have ${bound}${String(schema)} items, found ${(data as Json[]).length}`;
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'nothing',
};

function typeFault(type: string | string[], value: Json): { what: string; hint?: string } {
  const what = `must be ${typeWords(type)}, found ${describeValue(value)}`;
  if (typeof value !== 'string') {
    const scalar = typeof value === 'number' || typeof value === 'boolean';
    return { what, hint: type === 'string' && scalar ? `write it in quotes: "${value}"` : undefined };
  }
  if (type === 'boolean' && /^(yes|on|no|off)$/i.test(value)) {
    return { what, hint: `write ${/^(yes|on)$/i.test(value) ? 'true' : 'false'}` };
  }
  return { what, hint: type === 'integer' || type === 'number' ? numberHint(value) : undefined };
}

export function typeWords(type: string | readonly string[]): string {
  return [type]
    .flat()
    .map((name) => TYPE_WORDS[name] ?? name)
    .join(' or ');
}

function enumFault(choices: Json[], value: Json): { what: string; hint?: string } {
  const names = choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)));
  const meant = typeof value === 'string' ? nearest(value, names) : undefined;
  const what = `cannot be ${describeValue(value)}`;
  return { what, hint: meant === undefined ? `allowed: ${listed(names)}` : `did you mean \`${meant}\`?` };
}

/** Describes the alternatives of an `anyOf`. */
export function formWords(schemas: readonly ValueSchema[]): string {
  const forms = schemas.map((schema) => {
    if (schema.enum) return `one of ${listed(schema.enum.map((choice) => String(JSON.stringify(choice))))}`;
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.anyOf) return formWords(schema.anyOf);
    if (schema['x-input'] === 'file') return 'a path';
    if (schema['x-input'] === 'items') return 'the items of a stage';
    return schema.type === undefined
      ? (schema.description ?? 'a value of another form')
      : typeWords(schema.type);
  });
  return [...new Set(forms)].join(' or ');
}
