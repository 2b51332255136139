import { parse } from 'yaml';
import type { ValueSchema } from '../../../activity-schema.js';
import { SamMilError } from '../../../errors.js';
import { isJsonObject, type Json, type JsonObject } from '../../../json.js';
import { readRegular } from '../../../regular-file.js';
import { camelCase, type ParameterSet, type WithOf } from '../../../parameters.js';
import { schemaFaults, type SchemaFault } from './schema-faults.js';

const LIMIT = { bytes: 1 << 20, next: 'check that this is the right file' };

/** What a YAML or JSON file that describes one thing, such as an encoder, must hold. */
export interface DefinitionForm<Set extends ParameterSet = ParameterSet> {
  /** Subject of messages: `a segmenter file`. */
  readonly title: string;
  readonly keys: Set;
  readonly schema: ValueSchema;
}

/** The values of a file by their names in camelCase. */
export type DefinitionOf<Form> = Form extends DefinitionForm<infer Set> ? WithOf<Set> : never;

/** @param keys messages about a key quote its description */
export function definitionForm<Set extends ParameterSet>(title: string, keys: Set): DefinitionForm<Set> {
  const { with: properties, required } = keys;
  return { title, keys, schema: { type: 'object', properties, required, additionalProperties: false } };
}

/**
 * Reads a file and checks it by the form that its keys select.
 *
 * @param kind of the file: `segmenter file`
 * @returns its values, with the defaults of the schema
 * @throws SamMilError `InvalidInput` naming every fault
 */
export function readDefinition<Form extends DefinitionForm>(
  path: string,
  kind: string,
  formOf: (value: JsonObject) => Form,
): DefinitionOf<Form> {
  const value = readValue(path, kind);
  const form = formOf(isJsonObject(value) ? value : {});
  const faults = schemaFaults(form.schema, value);
  // Without a fault, the value has the shape that the schema describes.
  if (faults.length === 0) return withDefaults(form, value as JsonObject) as DefinitionOf<Form>;
  const texts = faults.map((fault) => faultText(form, fault));
  const unknown = faults.some(({ code, hint, path: at }) => {
    return at.length === 0 && (code === 'wrong-type' || (code === 'unknown-key' && hint === undefined));
  });
  const what = texts.length === 1 ? texts[0] : `the ${kind} has ${texts.length} faults:\n${texts.join('\n')}`;
  throw new SamMilError('InvalidInput', what, {
    file: path,
    ...(unknown ? { expected: `the keys ${Object.keys(form.keys.with).join(', ')}` } : {}),
  });
}

function readValue(path: string, kind: string): Json {
  try {
    return parse(readRegular(path, LIMIT).toString('utf8'), { maxAliasCount: 0 }) as Json;
  } catch (cause) {
    if (cause instanceof SamMilError) throw cause;
    throw new SamMilError('InvalidInput', `cannot read the ${kind}`, {
      file: path,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

function withDefaults({ keys }: DefinitionForm, value: JsonObject): Record<string, unknown> {
  const values = Object.entries(keys.with).flatMap(([key, schema]) => {
    const given = value[key] ?? schema.default;
    return given === undefined ? [] : [[camelCase(key), given] as const];
  });
  return Object.fromEntries(values);
}

/** `size` must be at least 1, found the number 0 (side of the patches in pixels) */
function faultText({ title, keys }: DefinitionForm, { path, what, code, key, hint }: SchemaFault): string {
  const [name = code === 'missing-key' ? key : undefined] = path;
  const description = name === undefined ? undefined : keys.with[name]?.description;
  const notes = [hint, description].filter((note) => note !== undefined).join('; ');
  const subject = path.length === 0 ? title : `\`${path.join('.')}\``;
  return `${subject} ${what}${notes === '' ? '' : ` (${notes})`}`;
}
