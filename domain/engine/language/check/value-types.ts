import { references, wholeReference } from '../expressions/analysis.js';
import {
  lookUp,
  memberOutputs,
  type Catalog,
  type MemberOutputs,
  type ValueSchema,
} from '../../../activity-schema.js';
import type { PipelineDocument, StageDocument, StepDocument } from '../read/document.js';
import { stageCells, type StageCells } from '../read/stage-cells.js';
import { expressionsIn } from '../read/node-expressions.js';
import type { Json } from '../../../json.js';
import { ProblemList } from '../problems/problems.js';
import { toJson } from '../read/yaml-nodes.js';

/** What is known before a run about the value of an expression. */
export type ValueType =
  /** All items of a stage: `needs.STAGE.items`. */
  | { kind: 'items'; stage: string }
  /** An output of an activity. */
  | { kind: 'output'; schema: ValueSchema }
  /** Several values by name, such as all outputs of a step, where one of them must be selected. */
  | { kind: 'mapping'; of: string; path: string; fields: readonly string[] }
  | { kind: 'unknown' };

export const UNKNOWN: ValueType = { kind: 'unknown' };

/** The fields of a file output, see `FileRef`. */
export const FILE_FIELDS: Readonly<Record<string, ValueSchema>> = {
  path: { type: 'string' },
  digest: { type: 'string' },
  bytes: { type: 'integer' },
};

export function isFile(schema: ValueSchema): boolean {
  return schema['x-kind'] !== undefined && (schema.type === undefined || schema.type === 'object');
}

/** Kind of a file whose content is not known: it fits every input. */
export const ANY_KIND = 'any';

const ANY_FILE: ValueSchema = { type: 'object', 'x-kind': ANY_KIND };

/**
 * Outputs that the step declares as keys of one of its parameters; undefined if an expression computes them.
 */
function declaredFiles(step: StepDocument, parameter: string): Record<string, ValueSchema> | undefined {
  const node = step.with.find(({ key }) => key === parameter)?.value;
  if (node === undefined) return {};
  return node.kind === 'map' ? Object.fromEntries(node.entries.map(({ key }) => [key, ANY_FILE])) : undefined;
}

/** Outputs for each member of a list parameter; undefined if an expression computes a member. */
function outputsOfMembers(step: StepDocument, per: MemberOutputs): Record<string, ValueSchema> | undefined {
  const node = step.with.find(({ key }) => key === per.parameter)?.value;
  if (node === undefined) return {};
  if (node.kind !== 'list' || expressionsIn(node, new ProblemList()).length > 0) return undefined;
  return memberOutputs(per, (toJson(node) as Json[]).map(String));
}

/** Looks up what expressions can read from stages, steps and items. */
export class PipelineTypes {
  readonly stages: ReadonlyMap<string, StageDocument>;
  private readonly catalog: Catalog;

  constructor(document: PipelineDocument, catalog: Catalog) {
    this.stages = new Map(document.stages.map((stage) => [stage.name, stage]));
    this.catalog = catalog;
  }

  /** See {@link stageCells}. */
  stageCells(stage: StageDocument): StageCells | undefined {
    return stageCells(stage, this.stages);
  }

  /** Outputs of a step by name; undefined if its activity is not known. */
  stepOutputs(step: StepDocument): ReadonlyMap<string, ValueType> | undefined {
    const entry = lookUp(this.catalog, step.uses.name);
    if (entry === undefined) return undefined;
    const declared = entry.outputsFrom === undefined ? {} : declaredFiles(step, entry.outputsFrom);
    const perMember = entry.outputsPer === undefined ? {} : outputsOfMembers(step, entry.outputsPer);
    if (declared === undefined || perMember === undefined) return undefined;
    return new Map(
      Object.entries({ ...entry.outputs, ...declared, ...perMember }).map(([name, schema]) => [
        name,
        { kind: 'output', schema },
      ]),
    );
  }

  /**
   * Outputs of each item of a stage: the declared ones, or those of its last step; undefined if they are not
   * known.
   */
  stageOutputs(stage: StageDocument): ReadonlyMap<string, ValueType> | undefined {
    if (stage.outputs === undefined) {
      const last = stage.steps.at(-1);
      return last && this.stepOutputs(last);
    }
    return new Map(stage.outputs.map(({ key, value }) => [key, this.declaredOutput(stage, value)]));
  }

  private declaredOutput(stage: StageDocument, node: Parameters<typeof expressionsIn>[0]): ValueType {
    const expressions = expressionsIn(node, new ProblemList());
    const [expression] = expressions;
    const reference =
      expressions.length === 1 && expression.whole ? wholeReference(expression.tree) : undefined;
    if (reference === undefined || reference.root !== 'steps' || reference.path.length !== 3) return UNKNOWN;
    const [id, , output] = reference.path;
    const step = stage.steps.find((candidate) => candidate.id === id);
    return (step && this.stepOutputs(step)?.get(String(output))) ?? UNKNOWN;
  }

  /**
   * Keys of the matrix cells of this stage or of the stage that it takes its items from; undefined if they
   * are not known.
   */
  cellKeys(stage: StageDocument): readonly string[] | undefined {
    const origin = this.origin(stage);
    return origin?.source.kind === 'matrix' ? origin.source.cells?.map(({ key }) => key) : undefined;
  }

  /**
   * The stage where the items originate: follows `from` to its start. Undefined in a cycle or if a stage
   * does not exist.
   */
  origin(stage: StageDocument): StageDocument | undefined {
    const seen = new Set<StageDocument>();
    let at: StageDocument | undefined = stage;
    while (at?.source.kind === 'from' && !seen.has(at)) {
      seen.add(at);
      at = this.stages.get(at.source.stage.name);
    }
    return at?.source.kind === 'from' ? undefined : at;
  }

  /** Fields of the items of a stage; undefined if they are not known, such as the columns of a CSV file. */
  itemFields(stage: StageDocument): readonly string[] | undefined {
    const origin = this.origin(stage);
    switch (origin?.source.kind) {
      case 'glob':
      case 'dir':
        return ['path', 'name', 'key'];
      case 'matrix':
        return origin.source.axes.length === 0 ? undefined : origin.source.axes;
      default:
        return undefined;
    }
  }
}

/** Names of the stages that a stage's expressions read through `needs`. */
export function neededStages(
  expressions: readonly { tree: Parameters<typeof references>[0] }[],
): Set<string> {
  const paths = expressions.flatMap(({ tree }) => references(tree)).filter(({ root }) => root === 'needs');
  return new Set(paths.flatMap(({ path }) => (typeof path[0] === 'string' ? [path[0]] : [])));
}
