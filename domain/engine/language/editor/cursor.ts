import { lookUp, type Catalog } from '../../../activity-schema.js';
import { PipelineTypes } from '../check/value-types.js';
import type { PipelineDocument, StageDocument, StepDocument } from '../read/document.js';

/** A pipeline that could be read, for questions about a place in it. */
export interface EditedPipeline {
  document: PipelineDocument;
  catalog: Catalog;
}

/** The part of an expression up to the cursor: `needs.split.outputs.` and the word that is being written. */
export interface ExpressionCursor {
  /** Complete members before the word: `['needs', 'split', 'outputs']`. */
  path: string[];
  word: string;
}

/** The stage and the step that hold a line, counted from 1. */
export interface StepCursor {
  stage?: StageDocument;
  step?: StepDocument;
}

const PATH = /[A-Za-z_][\w-]*(?:\.[\w-]*)*$/;

/**
 * Returns the path that ends at `column` of a line, counted from 0; undefined outside of an expression. With
 * `whole`, the word under the cursor is taken to its end.
 */
export function expressionAt(line: string, column: number, whole = false): ExpressionCursor | undefined {
  const before = line.slice(0, column);
  const open = before.lastIndexOf('${{');
  const isCondition = /^\s*(?:- )?if:\s/.test(line);
  if (open < 0 ? !isCondition : before.slice(open).includes('}}')) return undefined;
  const rest = whole ? (/^[\w-]*/.exec(line.slice(column))?.[0] ?? '') : '';
  const start = open < 0 ? line.indexOf(':') + 1 : open + 3;
  const found = PATH.exec(before.slice(start) + rest)?.[0] ?? '';
  const path = found.split('.');
  return { path: path.slice(0, -1), word: path.at(-1) ?? '' };
}

export function stepAt({ stages }: PipelineDocument, line: number): StepCursor {
  const stage = lastBefore(stages, line);
  const step = stage && (lastBefore(stage.steps, line) ?? stage.steps.at(0));
  return { stage, step };
}

function lastBefore<T extends { place: { line: number } }>(parts: readonly T[], line: number): T | undefined {
  const above = parts.filter(({ place }) => place.line <= line);
  return above.reduce<T | undefined>((last, part) => {
    return last === undefined || part.place.line >= last.place.line ? part : last;
  }, undefined);
}

/** Something that can be written at a place. */
export interface Offer {
  label: string;
  kind: 'variable' | 'field' | 'function' | 'parameter' | 'activity' | 'value';
  /** A few words beside the name, such as the type. */
  detail?: string;
  description?: string;
  /** What is inserted, if it is more than the name. */
  insert?: string;
}

/** The members that exist after a path of an expression. */
export function membersAfter(
  { document, catalog }: EditedPipeline,
  { stage, step }: StepCursor,
  path: readonly string[],
): Offer[] {
  const types = new PipelineTypes(document, catalog);
  const [root, name, part] = path;
  if (root === 'params') return path.length === 1 ? paramOffers(document) : [];
  if (root === 'steps') {
    const before = stage && step ? stage.steps.slice(0, stage.steps.indexOf(step)) : (stage?.steps ?? []);
    if (name === undefined) return before.map(({ id, uses }) => field(id, uses.name));
    const named = stage?.steps.find(({ id }) => id === name);
    return path.length === 2
      ? [field('outputs')]
      : outputOffers(catalog, part === 'outputs' ? named : undefined);
  }
  if (root === 'needs') {
    const needs = stage?.needs.map((need) => need.name) ?? [];
    if (name === undefined) return needs.map((need) => field(need, 'stage'));
    const needed = types.stages.get(name);
    if (path.length === 2) return needFields(needed, types);
    return part === 'outputs' && path.length === 3 ? stageOutputs(needed, types) : [];
  }
  const item = stage && types.itemFields(stage);
  return path.length === 1 && isItem(stage, root) ? (item ?? ['path']).map((own) => field(own)) : [];
}

function isItem(stage: StageDocument | undefined, root: string): boolean {
  const { source } = stage ?? {};
  if (source === undefined || source.kind === 'single') return false;
  return root === (source.kind === 'matrix' ? 'matrix' : source.as);
}

/** Names that an expression can begin with. */
export function rootsOf({ stage }: StepCursor): Offer[] {
  const { source } = stage ?? {};
  const item =
    source === undefined || source.kind === 'single' ? [] : [source.kind === 'matrix' ? 'matrix' : source.as];
  const descriptions: Record<string, string> = {
    params: 'Values of the params of the pipeline.',
    needs: 'Results of the stages that `needs` lists.',
    steps: 'Outputs of earlier steps of this stage.',
    matrix: 'Values of the cell of the matrix.',
  };
  return [...new Set(['params', 'needs', 'steps', ...item])].map((label) => {
    return { label, kind: 'variable', description: descriptions[label] ?? 'The item of the stage.' };
  });
}

function field(label: string, detail?: string, description?: string): Offer {
  return { label, kind: 'field', detail, description };
}

function paramOffers({ params }: PipelineDocument): Offer[] {
  return params.map(({ name, type, default: standard, description }) => {
    const detail = standard === undefined ? type : `${type} = ${JSON.stringify(standard)}`;
    return field(name, detail, description);
  });
}

function outputOffers(catalog: Catalog, step: StepDocument | undefined): Offer[] {
  const outputs = step && lookUp(catalog, step.uses.name)?.outputs;
  return Object.entries(outputs ?? {}).map(([name, schema]) => {
    return field(name, schema['x-kind'] ?? [schema.type ?? ''].flat().join(' or '), schema.description);
  });
}

function needFields(stage: StageDocument | undefined, types: PipelineTypes): Offer[] {
  if (stage === undefined) return [];
  const single = stage.source.kind === 'single';
  const cells =
    types.cellKeys(stage) === undefined
      ? []
      : [field('cells', undefined, 'One item, by the key of its cell.')];
  return [
    ...(single ? [] : [field('items', undefined, 'All items of the stage.')]),
    field('outputs', undefined, single ? 'Outputs of the stage.' : 'Outputs of the same item, with `from`.'),
    ...cells,
    field('result', undefined, 'success, failure or skipped.'),
  ];
}

function stageOutputs(stage: StageDocument | undefined, types: PipelineTypes): Offer[] {
  const outputs = stage && types.stageOutputs(stage);
  return [...(outputs ?? [])].map(([name, type]) => {
    return type.kind === 'output' ? field(name, type.schema['x-kind'], type.schema.description) : field(name);
  });
}
