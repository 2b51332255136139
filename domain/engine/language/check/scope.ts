import type { Reference } from '../expressions/analysis.js';
import { listed, suggest } from '../expressions/did-you-mean.js';
import type { PipelineDocument, StageDocument } from '../read/document.js';
import type { PlacedExpression } from '../read/node-expressions.js';
import type { ProblemList } from '../problems/problems.js';
import { NeedsScope } from './needs-scope.js';
import { ReferencePath, type Position } from './reference-path.js';
import { UNKNOWN, type PipelineTypes, type ValueType } from './value-types.js';

/** Names that other tools use for the same. */
const ELSEWHERE: Readonly<Record<string, string | undefined>> = {
  inputs: 'write params',
  parameters: 'write params',
  vars: 'write params',
  jobs: 'write needs',
  stages: 'write needs',
  tasks: 'write needs',
};

/** Resolves the paths in a stage's expressions and reports those that do not exist. */
export class Scope {
  private readonly document: PipelineDocument;
  private readonly stage: StageDocument;
  private readonly types: PipelineTypes;
  private readonly problems: ProblemList;
  readonly needs: NeedsScope;

  constructor(document: PipelineDocument, stage: StageDocument, types: PipelineTypes, problems: ProblemList) {
    this.document = document;
    this.stage = stage;
    this.types = types;
    this.problems = problems;
    this.needs = new NeedsScope(stage, types);
  }

  /**
   * Returns the type of the value that `reference` leads to. If the reference is invalid, reports a problem
   * and returns undefined.
   */
  resolve(expression: PlacedExpression, reference: Reference, position: Position): ValueType | undefined {
    const path = new ReferencePath(expression, reference, this.problems);
    switch (reference.root) {
      case 'params':
        return this.param(path);
      case 'needs':
        return this.needs.resolve(path, position);
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
  private cellValue(path: ReferencePath): ValueType | undefined {
    const cells = this.types.stageCells(this.stage);
    if (cells === undefined) return undefined;
    const axis = path.at(0);
    if (axis !== undefined && !path.optional && !cells.axes.includes(axis)) {
      path.fail('unknown-name', 1, `the matrix has no axis \`${axis}\``, suggest(axis, cells.axes, 'axes'));
    }
    return UNKNOWN;
  }

  private unknownRoot(path: ReferencePath, position: Position): undefined {
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

  private param(path: ReferencePath): ValueType | undefined {
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

  private item(path: ReferencePath, position: Position): ValueType | undefined {
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

  private step(path: ReferencePath, position: Position): ValueType | undefined {
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
    if (whole !== 'outputs') return path.onlyFields(1, `steps.${id}`, ['outputs'], outputs);
    return path.output(2, outputs, `\`${this.stage.steps[index].uses.name}\``);
  }

  private unknownStep(path: ReferencePath, id: string, names: string[]): undefined {
    const elsewhere = [...this.types.stages.values()].find(
      (other) => other !== this.stage && !other.single && other.steps.some((step) => step.id === id),
    );
    const hint = elsewhere
      ? `stage \`${elsewhere.name}\` has this step: add its result to that stage's \`outputs\` and use needs.${elsewhere.name}`
      : suggest(id, names, names.length > 0 ? 'earlier steps' : undefined);
    return path.unknown(`step of ${this.stage.name}`, 1, `this stage has no step \`${id}\``, hint);
  }
}
