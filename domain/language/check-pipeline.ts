import { lookUp, type Catalogue, type CatalogueEntry } from './catalogue.js';
import { checkWith } from './check-with.js';
import { suggest } from './did-you-mean.js';
import {
  type Condition,
  isScalarText,
  type PipelineDocument,
  type StageDocument,
  type StepDocument,
} from './document.js';
import { foldCondition, references } from './expression-analysis.js';
import { fileNameFault } from './names.js';
import {
  conditionExpression,
  expressionsIn,
  foldNode,
  readsUnset,
  reporting,
  type PlacedExpression,
} from './node-expressions.js';
import { ProblemList, type Problem } from './problems.js';
import { Scope, type Position } from './scope.js';
import { checkNeeds } from './stage-order.js';
import { neededStages, PipelineTypes } from './value-types.js';
import type { YamlNode } from './yaml-nodes.js';

/** Checks the parts of a pipeline against each other and against the activities it uses. Finds every fault, changes nothing but which params count as used. */
export function checkPipeline(document: PipelineDocument, catalogue: Catalogue): Problem[] {
  const problems = new ProblemList();
  checkNeeds(document.stages, problems);
  const types = new PipelineTypes(document, catalogue);
  for (const stage of document.stages) new StageCheck(document, stage, types, catalogue, problems).all();
  for (const { name, place } of document.params) {
    if (document.known.used.has(name)) continue;
    problems.warning(
      'unused-param',
      place,
      `nothing refers to the param \`${name}\``,
      'remove it, or use it',
    );
  }
  return problems.sorted();
}

class StageCheck {
  private readonly document: PipelineDocument;
  private readonly stage: StageDocument;
  private readonly types: PipelineTypes;
  private readonly catalogue: Catalogue;
  private readonly problems: ProblemList;
  private readonly scope: Scope;

  constructor(
    document: PipelineDocument,
    stage: StageDocument,
    types: PipelineTypes,
    catalogue: Catalogue,
    problems: ProblemList,
  ) {
    this.document = document;
    this.stage = stage;
    this.types = types;
    this.catalogue = catalogue;
    this.problems = problems;
    this.scope = new Scope(document, stage, types, problems);
  }

  all(): void {
    this.source();
    this.condition(this.stage.condition, { kind: 'stage' });
    this.stage.steps.forEach((step, index) => this.step(step, index));
    for (const { value } of this.stage.outputs ?? []) {
      const expressions = expressionsIn(value, this.problems);
      this.resolve(expressions, { kind: 'outputs' });
      this.computable(value, expressions);
    }
    this.unusedNeeds();
  }

  private source(): void {
    const { source } = this.stage;
    if (source.kind === 'from') this.from(source.stage.name);
    if (!('value' in source)) return;
    const expressions = expressionsIn(source.value, this.problems);
    this.resolve(expressions, { kind: 'stage' });
    if (!this.computable(source.value, expressions)) return;
    if (source.kind === 'list') this.list();
    else if (!isScalarText(source.value) || source.value.value.trim() === '') {
      const message = `\`${source.kind}\` must be text`;
      this.problems.error('wrong-type', source.value.place, message, `write ${source.kind}: "path/to/…"`);
    }
  }

  /** `list:` as far as it is written out: its members, and keys that become file names. */
  private list(): void {
    const { source } = this.stage;
    if (source.kind !== 'list') return;
    const value = foldNode(source.value, { params: this.document.known.values }, new ProblemList());
    if (typeof value === 'string' && value.includes('${{')) return;
    if (value === undefined) return;
    if (!Array.isArray(value)) {
      this.problems.error('wrong-type', source.value.place, '`list` must be a list', 'write list: [a, b]');
      return;
    }
    const field = source.keyField?.name;
    value.forEach((item, index) => {
      if (field === undefined || typeof item !== 'object' || item === null || Array.isArray(item)) return;
      const key = Object.hasOwn(item, field) ? item[field] : undefined;
      const place = source.value.kind === 'list' ? source.value.items[index].place : source.value.place;
      const fault = typeof key === 'string' ? fileNameFault(key) : undefined;
      if (key === undefined) {
        this.problems.error('missing-key', place, `this item has no \`${field}\`, which is to be its key`);
      } else if (fault !== undefined) {
        this.problems.error('bad-name', place, `the key ${JSON.stringify(key)} cannot name a file: ${fault}`);
      }
    });
  }

  private from(name: string): void {
    const { source, needs } = this.stage;
    if (source.kind !== 'from') return;
    const stage = this.types.stages.get(name);
    if (stage === undefined || stage === this.stage) {
      const others = [...this.types.stages.keys()].filter((other) => other !== this.stage.name);
      const message = stage ? 'a stage cannot take its own items' : `there is no stage \`${name}\``;
      this.problems.error('unknown-name', source.stage.place, message, suggest(name, others, 'stages'));
      return;
    }
    if (!needs.some((need) => need.name === name)) {
      const names = [...needs.map((need) => need.name), name];
      const message = `stage \`${this.stage.name}\` takes its items from \`${name}\` but does not need it`;
      this.problems.error(
        'missing-need',
        source.stage.place,
        message,
        `add it: needs: [${names.join(', ')}]`,
      );
    }
    const origin = this.types.origin(stage)?.source.kind;
    if (origin === 'single') {
      const message = `stage \`${name}\` has one item only`;
      this.problems.error(
        'conflicting-keys',
        source.stage.place,
        message,
        `use needs.${name}.outputs instead`,
      );
    } else if (source.form === 'matrix' && origin !== undefined && origin !== 'matrix') {
      const message = `stage \`${name}\` has no matrix`;
      this.problems.error(
        'conflicting-keys',
        source.stage.place,
        message,
        `write foreach: { from: ${name} }`,
      );
    }
  }

  private step(step: StepDocument, index: number): void {
    const position: Position = { kind: 'step', index };
    this.condition(step.condition, position);
    const entry = this.activity(step);
    const { document, stage, scope, types, problems } = this;
    checkWith({ document, stage, step, position, scope, types, problems, entry });
  }

  private activity(step: StepDocument): CatalogueEntry | undefined {
    const entry = lookUp(this.catalogue, step.uses.name);
    if (entry === undefined) {
      const hint = suggest(step.uses.name, Object.keys(this.catalogue), 'activities');
      this.problems.error(
        'unknown-activity',
        step.uses.place,
        `there is no activity \`${step.uses.name}\``,
        hint,
      );
    }
    return entry;
  }

  private condition(condition: Condition | undefined, position: Position): void {
    if (condition === undefined) return;
    const expressions = conditionExpression(condition, this.problems);
    this.resolve(expressions, position);
    if (!this.paramsKnown(expressions)) return;
    const params = { params: this.document.known.values };
    reporting(condition.node, this.problems, () => foldCondition(condition.source, params), condition.offset);
  }

  /** Follows every path of the expressions. */
  private resolve(expressions: readonly PlacedExpression[], position: Position): void {
    for (const expression of expressions) {
      for (const reference of references(expression.tree))
        this.scope.resolve(expression, reference, position);
    }
  }

  /** Computes what the params are enough for, so that a mistake in it shows now. False where there is one. */
  private computable(node: YamlNode, expressions: PlacedExpression[]): boolean {
    if (expressions.some((expression) => readsUnset(expression, this.document.known))) return true;
    if (!this.paramsKnown(expressions)) return false;
    return foldNode(node, { params: this.document.known.values }, this.problems) !== undefined;
  }

  /** Whether every param that the expressions read exists and has a value. */
  private paramsKnown(expressions: readonly PlacedExpression[]): boolean {
    const paths = expressions.flatMap(({ tree }) => references(tree)).filter(({ root }) => root === 'params');
    return paths.every(({ path }) => path.length === 0 || Object.hasOwn(this.document.known.values, path[0]));
  }

  private unusedNeeds(): void {
    const silent = new ProblemList();
    const { source, condition, steps, outputs = [], needs } = this.stage;
    const used = neededStages([
      ...('value' in source ? expressionsIn(source.value, silent) : []),
      ...(condition ? conditionExpression(condition, silent) : []),
      ...steps.flatMap((step) => [
        ...step.with.flatMap(({ value }) => expressionsIn(value, silent)),
        ...(step.condition ? conditionExpression(step.condition, silent) : []),
      ]),
      ...outputs.flatMap(({ value }) => expressionsIn(value, silent)),
    ]);
    for (const { name, place } of needs) {
      const known = this.types.stages.has(name) && name !== this.stage.name;
      if (!known || used.has(name) || (source.kind === 'from' && source.stage.name === name)) continue;
      const message = `stage \`${this.stage.name}\` waits for \`${name}\` but uses nothing of it`;
      this.problems.warning('unused-need', place, message, 'remove it unless only the order matters');
    }
  }
}
