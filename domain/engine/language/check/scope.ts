import type { Reference } from '../expressions/analysis.js';
import { listed, suggest } from '../expressions/did-you-mean.js';
import type { PipelineDocument, StageDocument } from '../read/document.js';
import { placeOf, type PlacedExpression } from '../read/node-expressions.js';
import type { ProblemCode } from '../problems/problem-codes.js';
import type { Place, ProblemList } from '../problems/problems.js';
import type { StageCells } from '../read/stage-cells.js';
import { FILE_FIELDS, isFile, UNKNOWN, type PipelineTypes, type ValueType } from './value-types.js';

/** The position of an expression in a stage, which determines what it can refer to. */
export type Position =
  /** The value of `foreach` and the stage's `if`: evaluated before the items exist. */
  | { kind: 'stage' }
  /** `with` and `if` of a step: can refer to the item and to earlier steps. */
  | { kind: 'step'; index: number }
  /** The stage's `outputs`: can refer to the item and to all its steps. */
  | { kind: 'outputs' };

/** Names that other tools use for the same. */
const ELSEWHERE: Readonly<Record<string, string | undefined>> = {
  inputs: 'write params',
  parameters: 'write params',
  vars: 'write params',
  jobs: 'write needs',
  stages: 'write needs',
  tasks: 'write needs',
};

const NEED_FIELDS = ['items', 'outputs', 'cells', 'result'];

/** Resolves the paths in a stage's expressions and reports those that do not exist. */
export class Scope {
  private readonly document: PipelineDocument;
  private readonly stage: StageDocument;
  private readonly types: PipelineTypes;
  private readonly problems: ProblemList;
  /** Stages that this one refers to without listing them in `needs`, with the line of the first reference. */
  readonly missingNeeds = new Map<string, number>();

  constructor(document: PipelineDocument, stage: StageDocument, types: PipelineTypes, problems: ProblemList) {
    this.document = document;
    this.stage = stage;
    this.types = types;
    this.problems = problems;
  }

  /**
   * Returns the type of the value that `reference` leads to. If the reference is invalid, reports a problem
   * and returns undefined.
   */
  resolve(expression: PlacedExpression, reference: Reference, position: Position): ValueType | undefined {
    const path = new Path(expression, reference, this.problems);
    switch (reference.root) {
      case 'params':
        return this.param(path);
      case 'needs':
        return this.need(path, position);
      case 'steps':
        return this.step(path, position);
      case 'matrix':
        return this.cellValue(path) ?? this.item(path, position);
      case this.itemName():
        return this.item(path, position);
      default:
        return this.unknownRoot(path, position);
    }
  }

  /** Name of the item in expressions: `matrix` for cells, undefined for a stage without items. */
  private itemName(): string | undefined {
    const { source } = this.stage;
    if (source.kind === 'single') return undefined;
    return source.kind === 'matrix' ? 'matrix' : source.as;
  }

  /** Resolves `matrix` where the stage has cells beside its items. Undefined for other stages. */
  private cellValue(path: Path): ValueType | undefined {
    const cells = this.types.stageCells(this.stage);
    if (cells === undefined) return undefined;
    const axis = path.at(0);
    if (axis !== undefined && !path.optional && !cells.axes.includes(axis)) {
      path.fail('unknown-name', 1, `the matrix has no axis \`${axis}\``, suggest(axis, cells.axes, 'axes'));
    }
    return UNKNOWN;
  }

  private unknownRoot(path: Path, position: Position): undefined {
    const item = position.kind === 'stage' ? [] : [this.itemName() ?? []].flat();
    const names = [...new Set(['params', 'needs', ...item, ...(position.kind === 'stage' ? [] : ['steps'])])];
    const { source, name } = this.stage;
    if ('broken' in source && source.broken) return undefined;
    const isParam = this.document.params.some((param) => param.name === path.root);
    const isStage = this.types.stages.has(path.root);
    const other = ELSEWHERE[path.root];
    const hint = isParam
      ? `write params.${path.root}`
      : isStage
        ? `write needs.${path.text(path.length)}`
        : (other ?? suggest(path.root, names, 'valid names'));
    return path.unknown(`name in ${name}`, 0, `\`${path.root}\` is not defined here`, hint);
  }

  private param(path: Path): ValueType | undefined {
    const name = path.at(0);
    if (name === undefined) return UNKNOWN;
    this.document.known.used.add(name);
    const names = this.document.params.map((param) => param.name);
    if (names.includes(name)) return UNKNOWN;
    const minus = /^(.+?)-\d+$/.exec(name);
    const hint =
      minus && names.includes(minus[1])
        ? `write spaces around a minus: params.${minus[1]} - ${name.slice(minus[1].length + 1)}`
        : suggest(name, names, 'params');
    return path.unknown('param', 1, `param \`${name}\` does not exist`, hint);
  }

  private item(path: Path, position: Position): ValueType | undefined {
    const name = this.itemName();
    if (name !== path.root) {
      return path.fail(
        'not-available',
        0,
        'this stage has no matrix',
        name && `its items are named \`${name}\``,
      );
    }
    if (position.kind === 'stage') {
      const message = `\`${name}\` is not available here: this value is resolved before the items exist`;
      return path.fail('not-available', 0, message, 'use it in `with`, `outputs`, or the `if` of a step');
    }
    const field = path.at(0);
    const fields = this.types.itemFields(this.stage);
    if (field === undefined && name !== 'matrix' && !path.open)
      return { kind: 'mapping', of: `item \`${name}\``, path: name, fields: fields ?? ['path'] };
    if (field === undefined || fields === undefined || fields.includes(field) || path.optional)
      return UNKNOWN;
    return path.fail(
      'unknown-name',
      1,
      `\`${name}\` has no field \`${field}\``,
      suggest(field, fields, 'fields'),
    );
  }

  private step(path: Path, position: Position): ValueType | undefined {
    if (position.kind === 'stage') {
      return path.fail(
        'not-available',
        0,
        '`steps` is not available here: this value is resolved before any step runs',
      );
    }
    const id = path.at(0);
    if (id === undefined) return UNKNOWN;
    const index = this.stage.steps.findIndex((step) => step.id === id);
    const before = position.kind === 'step' ? position.index : this.stage.steps.length;
    const names = this.stage.steps.slice(0, before).map((step) => step.id);
    if (index < 0) return this.unknownStep(path, id, names);
    if (index >= before) {
      const which = index === before ? 'this step itself' : 'a later step';
      const message = `\`${id}\` is ${which}: its outputs do not exist yet`;
      return path.fail(
        'step-order',
        1,
        message,
        names.length > 0 ? `earlier steps: ${listed(names)}` : undefined,
      );
    }
    const whole = path.at(1);
    const outputs = this.types.stepOutputs(this.stage.steps[index]);
    if (whole !== 'outputs') return this.onlyFields(path, 1, `steps.${id}`, ['outputs'], outputs);
    return this.output(path, 2, outputs, `\`${this.stage.steps[index].uses.name}\``);
  }

  private unknownStep(path: Path, id: string, names: string[]): undefined {
    const elsewhere = [...this.types.stages.values()].find(
      (other) => other !== this.stage && !other.single && other.steps.some((step) => step.id === id),
    );
    const hint = elsewhere
      ? `stage \`${elsewhere.name}\` has this step: add its result to that stage's \`outputs\` and use needs.${elsewhere.name}`
      : suggest(id, names, names.length > 0 ? 'earlier steps' : undefined);
    return path.unknown(`step of ${this.stage.name}`, 1, `this stage has no step \`${id}\``, hint);
  }

  private need(path: Path, position: Position): ValueType | undefined {
    const name = path.at(0);
    if (name === undefined) return UNKNOWN;
    const listedNeeds = this.stage.needs.map((need) => need.name);
    const stage = this.types.stages.get(name);
    if (stage === undefined) {
      const others = [...this.types.stages.keys()].filter((other) => other !== this.stage.name);
      const hint = suggest(name, others, 'stages');
      return path.unknown('stage', 1, `stage \`${name}\` does not exist`, hint);
    }
    if (!listedNeeds.includes(name) && !this.missingNeeds.has(name))
      this.missingNeeds.set(name, path.place(1).line);
    const cells = this.types.stageCells(stage);
    if (cells && !this.follows(stage)) return this.needCell(path, stage, cells);
    switch (path.at(1)) {
      case 'items':
        return path.length > 2
          ? this.onlyFields(path, 2, `needs.${name}.items`, [])
          : { kind: 'items', stage: name };
      case 'outputs':
        return this.needOutputs(path, stage, position);
      case 'cells':
        return this.needCells(path, stage);
      case 'result':
        return { kind: 'output', schema: { type: 'string', enum: ['success', 'failure', 'skipped'] } };
      default:
        return this.onlyFields(path, 1, `needs.${name}`, NEED_FIELDS, this.types.stageOutputs(stage));
    }
  }

  /** Whether this stage takes its items, and their cells, from the other one. */
  private follows(stage: StageDocument): boolean {
    const { source } = this.stage;
    return source.kind === 'from' && source.stage.name === stage.name;
  }

  /** Resolves `needs.STAGE.cells['KEY'].items` for a stage that has items in each cell. */
  private needCell(path: Path, { name }: StageDocument, { cells }: StageCells): ValueType | undefined {
    const example = `needs.${name}.cells['${cells?.[0].key ?? 'KEY'}'].items`;
    if (path.at(1) !== 'cells') {
      const message = `stage \`${name}\` has items in each cell of its matrix`;
      return path.fail(
        'many-items',
        2,
        message,
        `use ${example}, or needs.${name}.cells[matrix].items for the cell with the same values`,
      );
    }
    const key = path.at(2);
    if (key === undefined) return path.open ? UNKNOWN : this.onlyFields(path, 2, `needs.${name}.cells`, []);
    if (cells && !cells.some((cell) => cell.key === key)) {
      const keys = cells.map((cell) => cell.key);
      return path.fail(
        'unknown-cell',
        3,
        `stage \`${name}\` has no cell \`${key}\``,
        suggest(key, keys, 'cells'),
      );
    }
    if (path.at(3) === 'result') return UNKNOWN;
    if (path.at(3) === 'items' && path.length === 4) return { kind: 'items', stage: name };
    return this.onlyFields(path, 3, `needs.${name}.cells['${key}']`, ['items', 'result']);
  }

  private needOutputs(path: Path, stage: StageDocument, position: Position): ValueType | undefined {
    const aligned = position.kind !== 'stage' && this.follows(stage);
    if (stage.source.kind !== 'single' && !aligned) {
      const message = `stage \`${stage.name}\` has many items, so its outputs exist only per item`;
      return path.fail('many-items', 2, message, this.manyItemsHint(stage));
    }
    return this.output(path, 2, this.types.stageOutputs(stage), `stage \`${stage.name}\``);
  }

  private manyItemsHint(stage: StageDocument): string {
    const cells = this.types.cellKeys(stage);
    if (cells === undefined) {
      return `use needs.${stage.name}.items for all items, or foreach: { from: ${stage.name} } to process them one by one`;
    }
    const one = `needs.${stage.name}.cells['${cells[0]}'] for one item`;
    return `use needs.${stage.name}.items for all items, ${one}, or matrix: { from: ${stage.name} } to process them one by one`;
  }

  private needCells(path: Path, stage: StageDocument): ValueType | undefined {
    if (this.types.origin(stage)?.source.kind === 'matrix') {
      const keys = this.types.cellKeys(stage);
      const key = path.at(2);
      if (key !== undefined && keys && !keys.includes(key)) {
        const message = `stage \`${stage.name}\` has no cell \`${key}\``;
        return path.fail('unknown-cell', 3, message, suggest(key, keys, 'cells'));
      }
      return this.output(path, 3, this.types.stageOutputs(stage), `stage \`${stage.name}\``);
    }
    const message = `stage \`${stage.name}\` has no matrix, so it has no cells`;
    const field = stage.source.kind === 'single' ? 'outputs' : 'items';
    return path.fail('unknown-name', 2, message, `use needs.${stage.name}.${field}`);
  }

  /** Resolves the output at index `at` of the path, or a field of that output if it is a file. */
  private output(
    path: Path,
    at: number,
    outputs: ReadonlyMap<string, ValueType> | undefined,
    owner: string,
  ): ValueType | undefined {
    const name = path.at(at);
    if (outputs === undefined || (name === undefined && path.open)) return UNKNOWN;
    if (name === undefined)
      return { kind: 'mapping', of: owner, path: path.text(at), fields: [...outputs.keys()] };
    const type = outputs.get(name);
    if (type === undefined) {
      const hint = suggest(name, [...outputs.keys()], 'outputs') ?? 'it has no outputs';
      return path.fail('unknown-name', at + 1, `${owner} has no output \`${name}\``, hint);
    }
    const field = path.at(at + 1);
    if (field === undefined || type.kind !== 'output') return type;
    if (isFile(type.schema)) {
      const schema = Object.hasOwn(FILE_FIELDS, field) ? FILE_FIELDS[field] : undefined;
      return schema
        ? { kind: 'output', schema }
        : this.onlyFields(path, at + 1, name, Object.keys(FILE_FIELDS));
    }
    const nested = type.schema.type === undefined || [type.schema.type].flat().includes('object');
    return nested ? UNKNOWN : this.onlyFields(path, at + 1, name, []);
  }

  /** @param outputs that are one level further below `owner` */
  private onlyFields(
    path: Path,
    at: number,
    owner: string,
    fields: string[],
    outputs?: ReadonlyMap<string, ValueType>,
  ): ValueType | undefined {
    const found = path.at(at);
    const isOutput = found !== undefined && outputs?.has(found);
    const fits = fields.length === 0 ? 'it has no fields' : `fields: ${listed(fields)}`;
    const hint = isOutput ? `write ${owner}.outputs.${found}` : fits;
    if (found === undefined) {
      return path.open
        ? UNKNOWN
        : path.fail('bad-expression', at, `\`${owner}\` is not a value; select one of its fields`, hint);
    }
    return path.fail(
      'unknown-name',
      at + 1,
      `\`${owner}\` has no field \`${found}\``,
      isOutput ? hint : (suggest(found, fields, 'fields') ?? hint),
    );
  }
}

/** A reference that is being resolved. */
class Path {
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
}
