import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { digestOfJson } from '../digest.js';
import { isJsonObject, type Json } from '../json.js';

/** What a file that should hold a record contains. `found` describes the damage, for an error message. */
export type FoundRecord<T> =
  { state: 'valid'; value: T } | { state: 'missing' } | { state: 'damaged'; found: string };

const ajv = new Ajv2020({ strict: false, strictNumbers: true, allowUnionTypes: true });

/**
 * Returns a function that describes the first difference between a value and the schema; undefined if the
 * value has the described shape. The schema is compiled at the first call.
 */
export function shapeFault(schema: object): (value: unknown) => string | undefined {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= ajv.compile(schema);
    if (validate(value)) return undefined;
    const error = validate.errors?.[0];
    const place = error?.instancePath.slice(1).replaceAll('/', '.') ?? '';
    return `${place === '' ? 'the record' : `\`${place}\``} ${error?.message ?? 'has another shape'}`;
  };
}

/**
 * A kind of JSON file that this program writes for itself. Each file contains, as `self`, the digest of its
 * other members, so that an edited or damaged file is recognized. The digest is not a signature: whoever can
 * write the file can also write a matching digest.
 */
export class RecordKind<T extends object> {
  private readonly fault: (value: unknown) => string | undefined;

  /** @param schema JSON schema of the record without `self` */
  constructor(schema: object) {
    this.fault = shapeFault(schema);
  }

  /** Formats a record as the content of its file. */
  text(record: T, indent?: number): string {
    // Digested as it will be read: JSON drops undefined members.
    const plain = JSON.parse(JSON.stringify(record)) as object;
    return `${JSON.stringify({ ...plain, self: digestOfJson(plain) }, null, indent)}\n`;
  }

  parse(text: string): FoundRecord<T> {
    try {
      const value = JSON.parse(text) as Json;
      if (!isJsonObject(value)) return { state: 'damaged', found: 'the file does not contain a JSON object' };
      const { self, ...record } = value;
      const fault = this.fault(record);
      if (fault !== undefined) return { state: 'damaged', found: fault };
      if (self !== digestOfJson(record))
        return { state: 'damaged', found: 'the file was edited: its digest does not match its content' };
      return { state: 'valid', value: record as T };
    } catch (error) {
      return { state: 'damaged', found: text === '' ? 'the file is empty' : reasonOf(error) };
    }
  }

  async read(path: string): Promise<FoundRecord<T>> {
    try {
      return this.parse(await readFile(path, 'utf8'));
    } catch (error) {
      return unread(error);
    }
  }

  readNow(path: string): FoundRecord<T> {
    try {
      return this.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      return unread(error);
    }
  }
}

function unread(error: unknown): { state: 'missing' } | { state: 'damaged'; found: string } {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'missing' };
  return { state: 'damaged', found: code === 'EISDIR' ? 'a folder instead of a file' : reasonOf(error) };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const TEXT = { type: 'string' } as const;

/** Schema of `sha256:<hex>`. */
export const DIGEST = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;

/** Schema of a list of values of one shape. */
export function listOf(items: object): object {
  return { type: 'array', items };
}

/** Schema of an object that maps any name to values of one shape. */
export function mapOf(values: object): object {
  return { type: 'object', additionalProperties: values };
}

/** Schema of an object whose members are all required, except those in `optional`. */
export function objectOf(members: Record<string, object>, optional: Record<string, object> = {}): object {
  return { type: 'object', properties: { ...members, ...optional }, required: Object.keys(members) };
}
