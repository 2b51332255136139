import type { ValueSchema } from './activity-schema.js';
import type { InputFile } from './job.js';
import type { Json, JsonObject } from './json.js';

/** What an activity takes: the schema of each parameter by its kebab-case name, and the names that must be given. */
export interface ParameterSet {
  readonly with: Readonly<Record<string, ValueSchema>>;
  readonly required: readonly string[];
}

/** The same with the literal types of its schemas. */
export interface TypedParameters<With extends ParameterSet['with'], Required extends keyof With & string> {
  readonly with: With;
  readonly required: readonly Required[];
}

/** Keeps the literal types of a set of parameters, so that the type of `job.with` follows from it: {@link WithOf}. */
export function defineParameters<
  const With extends ParameterSet['with'],
  const Required extends keyof With & string,
>(parameters: TypedParameters<With, Required>): TypedParameters<With, Required> {
  return parameters;
}

/**
 * `job.with` of an activity with these parameters: names in camelCase, inputs as {@link InputFile}; optional is what is neither required nor has a
 * default. {@link JsonObject} where the literal types are not known.
 */
export type WithOf<Set extends ParameterSet> = string extends keyof Set['with']
  ? JsonObject
  : Flat<
      {
        -readonly [
          Name in keyof Set['with'] & string as Name extends Present<Set> ? CamelCase<Name> : never
        ]: ValueOf<Set['with'][Name]>;
      } & {
        -readonly [
          Name in keyof Set['with'] & string as Name extends Present<Set> ? never : CamelCase<Name>
        ]?: ValueOf<Set['with'][Name]>;
      }
    >;

type Present<Set extends ParameterSet> =
  | Set['required'][number]
  | {
      [Name in keyof Set['with']]: Set['with'][Name] extends { readonly default: unknown } ? Name : never;
    }[keyof Set['with']];

/** The values that a schema admits, as an implementation sees them. */
export type ValueOf<Schema> = Schema extends { readonly 'x-input': string }
  ? InputFile
  : Schema extends { readonly enum: readonly (infer Choice)[] }
    ? Choice
    : Schema extends { readonly anyOf: readonly (infer Form)[] }
      ? ValueOf<Form>
      : Schema extends { readonly type: infer Type }
        ? ValueOfType<Type, Schema>
        : Json;

type ValueOfType<Type, Schema> = Type extends readonly (infer Member)[]
  ? ValueOfType<Member, Schema>
  : Type extends 'array'
    ? Schema extends { readonly items: infer Item }
      ? ValueOf<Item>[]
      : Json[]
    : Type extends keyof PlainTypes
      ? PlainTypes[Type]
      : Json;

interface PlainTypes {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
  null: null;
  object: JsonObject;
}

/** `patch-size` -> `patchSize`. */
export type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Rest}`
  ? `${Head}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** One object type instead of an intersection, so that an editor shows its members. */
type Flat<T> = { [Name in keyof T]: T[Name] };

/** `patch-size` -> `patchSize`: how an implementation sees a parameter. */
export function camelCase<const Name extends string>(name: Name): CamelCase<Name> {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) as CamelCase<Name>;
}
