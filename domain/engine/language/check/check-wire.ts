import { isItemsFileKind, itemsFileKind, type ValueSchema } from '../../../activity-schema.js';
import { listed } from '../expressions/did-you-mean.js';
import type { StageDocument } from '../read/document.js';
import { placeOf, type PlacedExpression } from '../read/node-expressions.js';
import type { ProblemList } from '../problems/problems.js';
import { listForms, formWords, typeWords } from './schema-faults.js';
import type { Position } from './reference-path.js';
import { ANY_KIND, isFile, type PipelineTypes, type ValueType } from './value-types.js';

export interface Wire {
  stage: StageDocument;
  position: Position;
  types: PipelineTypes;
  problems: ProblemList;
  /** Name of the parameter, with the keys inside it. */
  name: string;
  /** The expression that is the whole value. */
  expression: PlacedExpression;
  /** Schema of the parameter. */
  schema: ValueSchema;
  /** Type of the value. */
  type: ValueType;
}

/**
 * Checks that the parameter accepts a value that an earlier step or stage produces. The hint names the
 * outputs that fit.
 */
export function checkWire(wire: Wire): void {
  const { type } = wire;
  if (type.kind === 'items') checkItems(wire, type.stage);
  else if (type.kind === 'output') checkOutput(wire, type.schema);
  else if (type.kind === 'mapping') checkMapping(wire, type);
}

function checkItems(wire: Wire, stageName: string): void {
  const { types, name } = wire;
  const forms = listForms(wire.schema).filter((form) => form['x-input'] === 'items');
  if (forms.length === 0) {
    const hint = `to process the items one by one: foreach: { from: ${stageName} } and needs.${stageName}.outputs`;
    fail(wire, `\`${name}\` requires ${expected(wire.schema)}, found all items of \`${stageName}\``, hint);
    return;
  }
  const accepted = acceptedKinds(forms);
  const stage = types.stages.get(stageName);
  const outputs = stage && types.stageOutputs(stage);
  if (accepted.length === 0 || outputs === undefined) return;
  const kinds = [...outputs.values()].map(outputKind);
  if (kinds.some((kind) => kind === undefined || kind === ANY_KIND || accepted.includes(kind))) return;
  const has = [...outputs].map(([output, type]) => `${output} (${outputKind(type) ?? '?'})`);
  const message = `\`${name}\` requires items with an output of kind ${accepted.join(' or ')}; the items of \`${stageName}\` have none`;
  fail(wire, message, `their outputs: ${listed(has)}`);
}

/** A parameter for one value does not take several, such as all outputs of a step. */
function checkMapping(wire: Wire, { of, path, fields }: ValueType & { kind: 'mapping' }): void {
  const forms = listForms(wire.schema);
  if (forms.some((form) => accepts(form, 'object') && form['x-input'] === undefined)) return;
  const found = of.startsWith('item') ? `the whole ${of}` : `all outputs of ${of}`;
  const kinds = acceptedKinds(forms.filter((form) => form['x-input'] === 'file'));
  const names = fields.map((field) => `${path}.${field}`);
  const hint = of.startsWith('item') ? undefined : fittingHint(wire, kinds);
  const several = names.length === 0 ? 'it has no outputs' : `select one of them: ${listed(names)}`;
  const other = names.length === 1 ? `write ${names[0]}` : several;
  fail(wire, `\`${wire.name}\` requires ${expected(wire.schema)}, found ${found}`, hint ?? other);
}

/** Kinds that the forms of an input accept; empty if one of them accepts any kind. */
function acceptedKinds(forms: readonly ValueSchema[]): string[] {
  const kinds = forms.map((form) => form['x-kind']);
  return kinds.includes(undefined) || kinds.includes(ANY_KIND) ? [] : (kinds as string[]);
}

/** Kind of an output; undefined if it is not known. Outputs other than files have the kind `value`. */
function outputKind(type: ValueType): string | undefined {
  if (type.kind !== 'output') return undefined;
  return type.schema['x-kind'] ?? (type.schema.type === undefined ? undefined : 'value');
}

function checkOutput(wire: Wire, found: ValueSchema): void {
  const { name } = wire;
  const forms = listForms(wire.schema);
  const types = [found.type ?? []].flat();
  if (isFile(found)) {
    const files = forms.filter((form) => form['x-input'] === 'file');
    const accepted = acceptedKinds(files);
    const kind = found['x-kind'] ?? '';
    if (files.length > 0 && (accepted.length === 0 || kind === ANY_KIND || accepted.includes(kind))) return;
    if (listsItems(forms, kind)) return;
    if (files.length > 0)
      fail(wire, `\`${name}\` requires ${accepted.join(' or ')}, found ${kind}`, fittingHint(wire, accepted));
    else if (!forms.some((form) => accepts(form, 'object'))) {
      fail(wire, `\`${name}\` requires ${expected(wire.schema)}, found a file`, itemsHint(wire));
    }
    return;
  }
  if (types.length === 0 || types.some((type) => forms.some((form) => accepts(form, type)))) return;
  const hint =
    fittingHint(wire, acceptedKinds(forms.filter((form) => form['x-input'] === 'file'))) ?? itemsHint(wire);
  fail(wire, `\`${name}\` requires ${expected(wire.schema)}, found ${typeWords(types)}`, hint);
}

/** Whether a file of this kind lists items that one of the forms accepts. */
function listsItems(forms: readonly ValueSchema[], kind: string): boolean {
  const items = forms.filter((form) => form['x-input'] === 'items');
  const accepted = acceptedKinds(items).map(itemsFileKind);
  return items.length > 0 && (accepted.length === 0 ? isItemsFileKind(kind) : accepted.includes(kind));
}

/** Whether a form accepts values of a type. Text may be a path. */
function accepts(form: ValueSchema, type: string): boolean {
  if (form['x-input'] === 'items') return false;
  if (form['x-input'] === 'file') return type === 'string';
  if (form.type === undefined && form.enum) return form.enum.some((choice) => typeof choice === type);
  const types = [form.type ?? type].flat();
  const numeric = type === 'integer' || type === 'number';
  return types.includes(type) || (numeric && (types.includes('number') || types.includes('integer')));
}

function expected(schema: ValueSchema): string {
  const forms = listForms(schema).map((form) => {
    if (form['x-input'] === 'file')
      return form['x-kind'] === undefined ? 'a file' : `a file (${form['x-kind']})`;
    return form['x-input'] === 'items' ? 'the items of a stage' : formWords([form]);
  });
  return forms.join(' or ');
}

function itemsHint(wire: Wire): string | undefined {
  if (!listForms(wire.schema).some((form) => form['x-input'] === 'items')) return undefined;
  return `write \${{ needs.${wire.stage.needs[0]?.name ?? 'STAGE'}.items }}`;
}

/** Suggests the available outputs of the kinds that the parameter accepts. */
function fittingHint(wire: Wire, kinds: readonly string[]): string | undefined {
  const fits = ([, type]: [string, ValueType]) => kinds.includes(outputKind(type) ?? '');
  const before = wire.position.kind === 'step' ? wire.position.index : wire.stage.steps.length;
  const fitting = wire.stage.steps.slice(0, before).flatMap((step) => {
    const outputs = [...(wire.types.stepOutputs(step) ?? [])];
    return outputs.filter(fits).map(([name]) => `steps.${step.id}.outputs.${name}`);
  });
  const fromNeeds = wire.stage.needs.flatMap(({ name }) => {
    const stage = wire.types.stages.get(name);
    const aligned = wire.stage.source.kind === 'from' && wire.stage.source.stage.name === name;
    if (stage === undefined || (stage.source.kind !== 'single' && !aligned)) return [];
    const outputs = [...(wire.types.stageOutputs(stage) ?? [])];
    return outputs.filter(fits).map(([output]) => `needs.${name}.outputs.${output}`);
  });
  const names = [...fitting, ...fromNeeds];
  return names.length === 0 ? undefined : `did you mean \`${names.join('` or `')}\`?`;
}

function fail(wire: Wire, message: string, hint?: string): void {
  const { expression, problems } = wire;
  problems.error('wrong-kind', placeOf(expression, expression.tree), message, hint);
}
