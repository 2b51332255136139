import { canonicalJson } from '../../../json.js';
import { lookUp, type Catalog, type CatalogEntry } from '../../../activity-schema.js';
import { ANY_FILES, type Files } from './check-files.js';
import { checkCellReferences, checkCells } from './check-cells.js';
import { checkSource } from './check-source.js';
import { checkFaults } from './check-faults.js';
import { checkWith } from './check-with.js';
import { mergeRepeated, type Declared } from './merge-repeated.js';
import { related, suggest } from '../expressions/did-you-mean.js';
import type {
  Condition,
  PipelineDocument,
  SourceDocument,
  StageDocument,
  StepDocument,
} from '../read/document.js';
import { foldCondition, references, type Reference } from '../expressions/analysis.js';
import {
  conditionExpression,
  expressionsIn,
  foldNode,
  readsUnset,
  reporting,
  type PlacedExpression,
} from '../read/node-expressions.js';
import type { MatrixCell } from '../plan/plan.js';
import { ProblemList, type Problem } from '../problems/problems.js';
import type { Position } from './reference-path.js';
import { Scope } from './scope.js';
import { checkNeeds } from './stage-order.js';
import { neededStages, PipelineTypes } from './value-types.js';
import type { YamlNode } from '../read/yaml-nodes.js';

/**
 * Checks the parts of a pipeline against each other and against the activities that it uses. Returns all
 * problems; the only side effect is to mark params as used.
 */
export function checkPipeline(
  document: PipelineDocument,
  catalog: Catalog,
  files: Files = ANY_FILES,
): Problem[] {
  const problems = new ProblemList();
  checkNeeds(document.stages, problems);
  const types = new PipelineTypes(document, catalog);
  const used = new Set<string>();
  for (const stage of document.stages) {
    const check = new StageCheck(document, stage, types, catalog, files, problems);
    check.all();
    for (const name of check.names()) used.add(name);
  }
  for (const { name, place } of document.params) {
    if (document.known.used.has(name)) continue;
    problems.warning(
      'unused-param',
      place,
      `nothing refers to the param \`${name}\``,
      'remove it, or use it',
    );
  }
  return mergeRepeated(problems.sorted(), declarations(document, used));
}

/** Everything that the file declares and expressions refer to. */
function declarations({ params, known, stages }: PipelineDocument, used: ReadonlySet<string>): Declared[] {
  return [
    ...params.map(({ name, place }) => ({ kind: 'param', name, place, used: known.used.has(name) })),
    ...stages.map(({ name, place }) => ({ kind: 'stage', name, place, used: used.has(`needs ${name}`) })),
    ...stages.flatMap((stage) =>
      stage.steps.map(({ id, place }) => {
        const kind = `step of ${stage.name}`;
        return { kind, name: id, place, used: used.has(`${kind} ${id}`) };
      }),
    ),
  ];
}

class StageCheck {
  private readonly document: PipelineDocument;
  private readonly stage: StageDocument;
  private readonly types: PipelineTypes;
  private readonly catalog: Catalog;
  private readonly files: Files;
  private readonly problems: ProblemList;
  private readonly scope: Scope;

  constructor(
    document: PipelineDocument,
    stage: StageDocument,
    types: PipelineTypes,
    catalog: Catalog,
    files: Files,
    problems: ProblemList,
  ) {
    this.document = document;
    this.stage = stage;
    this.types = types;
    this.catalog = catalog;
    this.files = files;
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
    this.missingNeeds();
    const params = this.document.known.values;
    checkCellReferences(
      { stage: this.stage, types: this.types, params, problems: this.problems },
      this.expressions(),
    );
    this.unused();
  }

  /** The stages and steps that the stage refers to: `needs STAGE`, `step of STAGE ID`. */
  names(): string[] {
    const found = this.expressions().flatMap(({ tree }) => references(tree));
    const { name, needs, source } = this.stage;
    const stages = [
      ...needs.map((need) => need.name),
      ...(source.kind === 'from' ? [source.stage.name] : []),
    ];
    const steps = found
      .filter(({ root }) => root === 'steps')
      .map(({ path }) => `step of ${name} ${path[0]}`);
    const needed = found.filter(({ root }) => root === 'needs').map(({ path }) => String(path[0]));
    return [...[...stages, ...needed].map((other) => `needs ${other}`), ...steps];
  }

  /** Reports all stages that `needs` leaves out, as one problem. */
  private missingNeeds(): void {
    const { name, place, needs, needsPlace, needsBroken } = this.stage;
    const known = needs.map((need) => need.name).filter((other) => this.types.stages.has(other));
    const misspelt = needs.filter((need) => !known.includes(need.name)).map((need) => need.name);
    const missing = [...this.scope.needs.missing].filter(([other]) => related(other, misspelt) === undefined);
    if (missing.length === 0 || needsBroken) return;
    const uses = missing.map(([other, line]) => `\`${other}\` (line ${line})`).join(', ');
    const message = `stage \`${name}\` refers to ${uses}, but \`needs\` does not list ${missing.length === 1 ? 'it' : 'them'}`;
    const order = [...this.types.stages.keys()];
    const added = missing.map(([other]) => other).sort((a, b) => order.indexOf(a) - order.indexOf(b));
    const all = [...known, ...added];
    this.problems.error('missing-need', needsPlace ?? place, message, `write needs: [${all.join(', ')}]`);
  }

  private source(): void {
    const { source } = this.stage;
    if ('value' in source) {
      const expressions = expressionsIn(source.value, this.problems);
      this.resolve(expressions, { kind: 'stage' });
      if (!this.computable(source.value, expressions)) return;
      if (source.exclude && !this.excluded(source.exclude)) return;
    }
    const { document, stage, types, scope, files, problems } = this;
    checkCells(stage, types, problems);
    checkSource({ document, stage, types, scope, files, problems });
  }

  /** Returns false if there is a mistake. */
  private excluded(node: YamlNode): boolean {
    const expressions = expressionsIn(node, this.problems);
    this.resolve(expressions, { kind: 'stage' });
    return this.computable(node, expressions);
  }

  private step(step: StepDocument, index: number): void {
    const position: Position = { kind: 'step', index };
    this.condition(step.condition, position);
    const entry = this.activity(step);
    const { document, stage, scope, types, files, problems } = this;
    const check = { document, stage, step, position, scope, types, files, problems, entry };
    checkWith(check);
    checkFaults(check);
  }

  private activity(step: StepDocument): CatalogEntry | undefined {
    const entry = lookUp(this.catalog, step.uses.name);
    if (entry === undefined) {
      const hint = suggest(step.uses.name, Object.keys(this.catalog), 'activities');
      this.problems.error(
        'unknown-activity',
        step.uses.place,
        `activity \`${step.uses.name}\` does not exist`,
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

  /** Resolves every path in the expressions. */
  private resolve(expressions: readonly PlacedExpression[], position: Position): void {
    for (const expression of expressions) {
      for (const reference of references(expression.tree))
        this.scope.resolve(expression, reference, position);
    }
  }

  /**
   * Evaluates the parts that depend only on params, so that their mistakes are reported before the run.
   * Returns false if there is a mistake.
   */
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

  /** Warns about needs, items and axes that nothing in the stage refers to. */
  private unused(): void {
    const { source, needs } = this.stage;
    const expressions = this.expressions();
    const found = expressions.flatMap(({ tree }) => references(tree));
    const used = neededStages(expressions);
    for (const { name, place } of needs) {
      const known = this.types.stages.has(name) && name !== this.stage.name;
      if (!known || used.has(name) || (source.kind === 'from' && source.stage.name === name)) continue;
      const message = `stage \`${this.stage.name}\` needs \`${name}\` but does not use its results`;
      this.problems.warning('unused-need', place, message, 'remove it unless only the order matters');
    }
    if (source.kind === 'matrix') this.unusedAxes(source, found);
    if (this.stage.variants) this.unusedAxes(this.stage.variants, found);
    if (!('value' in source) || found.some(({ root }) => root === source.as)) return;
    const message = `the stage does the same work for each item: nothing refers to \`${source.as}\``;
    this.problems.warning(
      'unused-item',
      source.place,
      message,
      `use \${{ ${source.as}.path }} or another field`,
    );
  }

  private unusedAxes(
    { axes, cells, place }: Pick<Extract<SourceDocument, { kind: 'matrix' }>, 'axes' | 'cells' | 'place'>,
    found: readonly Reference[],
  ): void {
    const read = found.filter(({ root }) => root === 'matrix').map(({ path }) => path[0]);
    if (read.includes(undefined as never)) return;
    for (const axis of axes) {
      if (read.includes(axis) || (cells && !doSame(cells, axis, read))) continue;
      const message = `cells that differ only in \`${axis}\` do the same work: nothing refers to matrix.${axis}`;
      this.problems.warning('unused-item', place, message, 'use it, or remove the axis');
    }
  }

  /** All valid expressions of the stage. */
  private expressions(): PlacedExpression[] {
    const silent = new ProblemList();
    const { source, condition, steps, outputs = [] } = this.stage;
    const conditions = [condition, ...steps.map((step) => step.condition)];
    const values = [...steps.flatMap((step) => step.with), ...outputs].map(({ value }) => value);
    if ('value' in source) values.push(source.value, ...(source.exclude ? [source.exclude] : []));
    return [
      ...values.flatMap((value) => expressionsIn(value, silent)),
      ...conditions.flatMap((given) => (given ? conditionExpression(given, silent) : [])),
    ];
  }
}

/**
 * Whether two cells differ in `axis` but agree in everything that is read. An axis that is not read may still
 * select values that `include` or another matrix adds.
 */
function doSame(cells: readonly MatrixCell[], axis: string, read: readonly (string | number)[]): boolean {
  const seen = new Map<string, string>();
  return cells.some(({ values }) => {
    const what = canonicalJson(read.map((name) => values[name] ?? null));
    const own = canonicalJson(values[axis] ?? null);
    const before = seen.get(what);
    seen.set(what, own);
    return before !== undefined && before !== own;
  });
}
