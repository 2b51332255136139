import type { Reference } from '../expressions/analysis.js';
import { listed, suggest } from '../expressions/did-you-mean.js';
import type { ProblemCode } from '../problems/problem-codes.js';
import type { Place, ProblemList } from '../problems/problems.js';
import { placeOf, type PlacedExpression } from '../read/node-expressions.js';
import { FILE_FIELDS, isFile, UNKNOWN, type ValueType } from './value-types.js';

/** The position of an expression in a stage, which determines what it can refer to. */
export type Position =
  /** The value of `foreach` and the stage's `if`: evaluated before the items exist. */
  | { kind: 'stage' }
  /** `with` and `if` of a step: can refer to the item and to earlier steps. */
  | { kind: 'step'; index: number }
  /** The stage's `outputs`: can refer to the item and to all its steps. */
  | { kind: 'outputs' };

/** A reference that is being resolved: what each of its members leads to, and how a wrong one is reported. */
export class ReferencePath {
  readonly root: string;
  readonly length: number;
  readonly optional: boolean;
  /** True if a computed part follows. */
  readonly open: boolean;
  private readonly expression: PlacedExpression;
  private readonly reference: Reference;
  private readonly problems: ProblemList;

  constructor(expression: PlacedExpression, reference: Reference, problems: ProblemList) {
    this.expression = expression;
    this.reference = reference;
    this.problems = problems;
    this.root = reference.root;
    this.length = reference.path.length;
    this.optional = reference.optional;
    this.open = !reference.complete;
  }

  at(index: number): string | undefined {
    return index < this.length ? String(this.reference.path[index]) : undefined;
  }

  /** The first `count` members after the root, with the root. */
  text(count: number): string {
    return [this.root, ...this.reference.path.slice(0, count)].join('.');
  }

  place(index: number): Place {
    const span = this.reference.spans[Math.min(index, this.reference.spans.length - 1)];
    return placeOf(this.expression, span);
  }

  /** Reports that member `index` names something that does not exist. */
  unknown(kind: string, index: number, message: string, hint?: string): undefined {
    const name = index === 0 ? this.root : String(this.at(index - 1));
    this.problems.unknown({ kind, name }, 'unknown-name', this.place(index), message, hint);
    return undefined;
  }

  /** Reports a problem of member `index` of the path. Index 0 is the root. */
  fail(code: ProblemCode, index: number, message: string, hint?: string): undefined {
    this.problems.error(code, this.place(index), message, hint);
    return undefined;
  }

  /** Resolves the output at index `at`, or a field of that output if it is a file. */
  output(
    at: number,
    outputs: ReadonlyMap<string, ValueType> | undefined,
    owner: string,
  ): ValueType | undefined {
    const name = this.at(at);
    if (outputs === undefined || (name === undefined && this.open)) return UNKNOWN;
    if (name === undefined)
      return { kind: 'mapping', of: owner, path: this.text(at), fields: [...outputs.keys()] };
    const type = outputs.get(name);
    if (type === undefined) {
      const hint = suggest(name, [...outputs.keys()], 'outputs') ?? 'it has no outputs';
      return this.fail('unknown-name', at + 1, `${owner} has no output \`${name}\``, hint);
    }
    const field = this.at(at + 1);
    if (field === undefined || type.kind !== 'output') return type;
    if (isFile(type.schema)) {
      const schema = Object.hasOwn(FILE_FIELDS, field) ? FILE_FIELDS[field] : undefined;
      return schema ? { kind: 'output', schema } : this.onlyFields(at + 1, name, Object.keys(FILE_FIELDS));
    }
    const nested = type.schema.type === undefined || [type.schema.type].flat().includes('object');
    return nested ? UNKNOWN : this.onlyFields(at + 1, name, []);
  }

  /**
   * Reports that the value at index `at` is not one of `fields`, or that one of them must be selected.
   *
   * @param outputs that are one level further below `owner`
   */
  onlyFields(
    at: number,
    owner: string,
    fields: string[],
    outputs?: ReadonlyMap<string, ValueType>,
  ): ValueType | undefined {
    const found = this.at(at);
    const isOutput = found !== undefined && outputs?.has(found);
    const fits = fields.length === 0 ? 'it has no fields' : `fields: ${listed(fields)}`;
    const hint = isOutput ? `write ${owner}.outputs.${found}` : fits;
    if (found === undefined) {
      return this.open
        ? UNKNOWN
        : this.fail('bad-expression', at, `\`${owner}\` is not a value; select one of its fields`, hint);
    }
    return this.fail(
      'unknown-name',
      at + 1,
      `\`${owner}\` has no field \`${found}\``,
      isOutput ? hint : (suggest(found, fields, 'fields') ?? hint),
    );
  }
}
