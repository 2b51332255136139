import type { ValueSchema } from './activity-schema.js';
import type { InputFile } from './job.js';
import type { Json, JsonObject } from './json.js';

/** The parameters of an activity: schemas by kebab-case name, and the names of the required ones. */
export interface ParameterSet {
  readonly with: Readonly<Record<string, ValueSchema>>;
  readonly required: readonly string[];
}

/** A {@link ParameterSet} with the literal types of its schemas. */
export interface TypedParameters<With extends ParameterSet['with'], Required extends keyof With & string> {
  readonly with: With;
  readonly required: readonly Required[];
}

/**
 * Preserves the literal types of a set of parameters, from which {@link WithOf} derives the type of
 * `job.with`.
 */
export function defineParameters<
  const With extends ParameterSet['with'],
  const Required extends keyof With & string,
>(parameters: TypedParameters<With, Required>): TypedParameters<With, Required> {
  return parameters;
}

/**
 * The type of `job.with` for these parameters: names in camelCase, inputs as {@link InputFile}. Parameters
 * that are not required and have no default are optional. {@link JsonObject} if the literal types are not
 * known.
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

/** The type of the values that a schema accepts, as an implementation receives them. */
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
      ? ListOf<ValueOf<Item>, Schema>
      : Json[]
    : Type extends keyof PlainTypes
      ? PlainTypes[Type]
      : Json;

/** A tuple where the schema states the one length that the list must have. */
type ListOf<Item, Schema> = Schema extends { readonly minItems: infer Least; readonly maxItems: infer Most }
  ? [Least, Most] extends [Most, Least]
    ? Repeat<Item, Least>
    : Item[]
  : Item[];

type Repeat<Item, Count, Items extends Item[] = []> = number extends Count
  ? Item[]
  : Items['length'] extends Count
    ? Items
    : Repeat<Item, Count, [...Items, Item]>;

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

/** Converts the name of a parameter to the form that implementations use: `patch-size` -> `patchSize`. */
export function camelCase<const Name extends string>(name: Name): CamelCase<Name> {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) as CamelCase<Name>;
}
