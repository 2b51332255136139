import type { JsonObject, ReadonlyJson } from './json.js';

/**
 * What the language knows about the activities that pipelines use. It is passed in as data, so that checking
 * a file loads no implementation and third-party activities are checked in the same way.
 */
export type Catalog = Readonly<Record<string, CatalogEntry>>;

export interface CatalogEntry {
  readonly version: number;
  readonly summary: string;
  /** Schemas by parameter name. */
  readonly with: Readonly<Record<string, ValueSchema>>;
  readonly required: readonly string[];
  readonly outputs: Readonly<Record<string, ValueSchema>>;
  /** Default for `runs-on`. */
  readonly queue: string;
  /** Defaults, Temporal duration strings. */
  readonly timeout: string;
  readonly heartbeat: string;
  /** Default of `stall`, a duration. Absent: off. */
  readonly stall?: string;
  /** Where an interrupted attempt resumes, for the reference page: "last committed batch". */
  readonly resumesFrom?: string;
  /**
   * Returns what a parameter value requires and this machine does not have, such as the weights of the named
   * model; undefined if nothing is missing or if finding out would take long. Called only if files are
   * checked.
   */
  findMissing?(parameter: string, value: string, step: ResourceContext): MissingResource | undefined;
  /**
   * Name of a parameter that declares further outputs: a mapping whose keys are their names. All are files,
   * of any kind. Items that share a folder publish them into a subfolder for each item.
   */
  readonly outputsFrom?: string;
  /**
   * Outputs that exist once per member of a list parameter, as `NAME-LABEL` with {@link memberLabel}: with
   * `encoders: [uni]`, the output `bag` of a member is `bag-uni`.
   */
  readonly outputsPer?: MemberOutputs;
  /**
   * Returns what is wrong in parameters that each fit their schema. Texts that only a run can compute still
   * contain `${{`. `exists` looks up a path relative to the pipeline file, if files are checked. Must be fast
   * and synchronous, and import nothing heavy.
   */
  findFaults?(given: JsonObject, exists?: (path: string) => boolean): readonly StepFault[];
}

/** See {@link CatalogEntry.outputsPer}. */
export interface MemberOutputs {
  readonly parameter: string;
  readonly outputs: Readonly<Record<string, ValueSchema>>;
}

/** A fault of a step's parameters. */
export interface StepFault {
  parameter: string;
  /** Completes "`parameter` …". */
  what: string;
  next?: string;
  /** Set if the parameter is required here and was not given. */
  missing?: true;
  /** Set for a warning: the step may still work, here or on another machine. Otherwise it is an error. */
  warning?: 'bad-value' | 'missing-resource';
}

/** Something that is missing on this machine, and what to do about it. */
export interface MissingResource {
  what: string;
  next?: string;
  /** Set if the value is wrong rather than missing here, so that it cannot work on another machine either. */
  wrong?: true;
}

export interface ResourceContext {
  /** Absolute folder to which relative paths are relative. */
  base: string;
  /** Names of all given parameters. */
  given: ReadonlySet<string>;
}

/**
 * The part of JSON Schema (draft 2020-12) that the project uses, with three extensions. `ValueOf` in
 * parameters.ts is the TypeScript type of the values that a schema accepts.
 */
export interface ValueSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: ReadonlyJson;
  readonly enum?: readonly ReadonlyJson[];
  readonly const?: ReadonlyJson;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly items?: ValueSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | ValueSchema;
  readonly anyOf?: readonly ValueSchema[];
  /**
   * The value is an input of the activity, a file or the items of a stage. The digest of its content, not its
   * path, enters the cache key.
   */
  readonly 'x-input'?: 'file' | 'items';
  /** Kind of content (`patches`, `segments`, `bag`). An output fits an input of the same kind. */
  readonly 'x-kind'?: string;
  /**
   * True for values that are not part of the cache key: values that affect speed but not results (batch-size
   * is NOT one), and files of which only a part matters, such as a row of a table, which `hiddenInputs` then
   * adds.
   */
  readonly 'x-not-in-key'?: boolean;
  /** What each value of `enum` means, by value. */
  readonly 'x-choices'?: Readonly<Record<string, string>>;
  /** Names of the same parameter in other tools, for hints: `learning-rate` of `lr`. */
  readonly 'x-synonyms'?: readonly string[];
  /** Whether the activity itself fills in `{params.name}` and similar names in braces. */
  readonly 'x-placeholders'?: boolean;
}

/** Declares a file parameter: a path that the user wrote, or the reference that an earlier step returned. */
export function fileInput(kind: string, description: string) {
  return { 'x-input': 'file', 'x-kind': kind, description } as const satisfies ValueSchema;
}

/**
 * Declares a parameter for the items of an earlier stage, `${{ needs.STAGE.items }}`. Each has an output of
 * `kind`; `any` accepts every kind.
 */
export function itemsInput(kind: string, description: string) {
  const known = kind === 'any' ? {} : { 'x-kind': kind };
  return { 'x-input': 'items', ...known, description } as const satisfies ValueSchema;
}

/**
 * Label of a member of a list parameter in names of outputs: the name, or the name of a file without folder
 * and extension, with hyphens in place of characters that expressions do not allow in names.
 */
export function memberLabel(member: string): string {
  const file = member.split(/[/\\]/).at(-1) ?? member;
  return file
    .replace(/\.(?:ya?ml|json)$/i, '')
    .replace(/\W+/g, '-')
    .replace(/^-|-$/g, '');
}

/** The outputs of {@link MemberOutputs} for some members. */
export function memberOutputs(
  { outputs }: MemberOutputs,
  members: readonly string[],
): Record<string, ValueSchema> {
  const entries = members.flatMap((member) =>
    Object.entries(outputs).map(([name, schema]) => [`${name}-${memberLabel(member)}`, schema] as const),
  );
  return Object.fromEntries(entries);
}

const ITEMS_FILE = '-items';

/**
 * Kind of a file that lists items with outputs of `kind`. A parameter that takes such items also takes such a
 * file.
 */
export function itemsFileKind(kind: string): string {
  return `${kind}${ITEMS_FILE}`;
}

export function isItemsFileKind(kind: string): boolean {
  return kind.endsWith(ITEMS_FILE);
}

export function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
