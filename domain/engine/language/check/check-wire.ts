import { isItemsFileKind, itemsFileKind, type ValueSchema } from '../../../activity-schema.js';
import { listed } from '../expressions/did-you-mean.js';
import type { StageDocument } from '../read/document.js';
import { placeOf, type PlacedExpression } from '../read/node-expressions.js';
import type { ProblemList } from '../problems/problems.js';
import { formsOf, formWords, typeWords } from './schema-faults.js';
import type { Position } from './scope.js';
import { isFile, type PipelineTypes, type ValueType } from './value-types.js';

export interface Wire {
  stage: StageDocument;
  position: Position;
  types: PipelineTypes;
  problems: ProblemList;
  /** Of the parameter, with the keys inside it. */
  name: string;
  /** The whole value. */
  expression: PlacedExpression;
  /** Of the parameter. */
  schema: ValueSchema;
  /** Of the value. */
  type: ValueType;
}

/** Whether a value that an earlier step or stage makes can be what the parameter wants; says which output would fit. */
export function checkWire(wire: Wire): void {
  const { type } = wire;
  if (type.kind === 'items') checkItems(wire, type.stage);
  else if (type.kind === 'output') checkOutput(wire, type.schema);
}

function checkItems(wire: Wire, stageName: string): void {
  const { types, name } = wire;
  const forms = formsOf(wire.schema).filter((form) => form['x-input'] === 'items');
  if (forms.length === 0) {
    const hint = `to handle the items one by one: foreach: { from: ${stageName} } and needs.${stageName}.outputs`;
    fail(wire, `\`${name}\` wants ${expected(wire.schema)}, not all items of \`${stageName}\``, hint);
    return;
  }
  const wanted = kindsOf(forms);
  const stage = types.stages.get(stageName);
  const outputs = stage && types.stageOutputs(stage);
  if (wanted.length === 0 || outputs === undefined) return;
  const kinds = [...outputs.values()].map(kindOf);
  if (kinds.some((kind) => kind === undefined || wanted.includes(kind))) return;
  const has = [...outputs].map(([output, type]) => `${output} (${kindOf(type) ?? '?'})`);
  const message = `\`${name}\` wants items with an output of kind ${wanted.join(' or ')}; those of \`${stageName}\` have none`;
  fail(wire, message, `they have: ${listed(has)}`);
}

/** Kinds that the forms of an input ask for; empty where one of them takes any. */
function kindsOf(forms: readonly ValueSchema[]): string[] {
  const kinds = forms.map((form) => form['x-kind']);
  return kinds.includes(undefined) ? [] : (kinds as string[]);
}

/** Undefined: not known, may be anything. Outputs that are no files have the kind `value`. */
function kindOf(type: ValueType): string | undefined {
  if (type.kind !== 'output') return undefined;
  return type.schema['x-kind'] ?? (type.schema.type === undefined ? undefined : 'value');
}

function checkOutput(wire: Wire, found: ValueSchema): void {
  const { name } = wire;
  const forms = formsOf(wire.schema);
  const types = [found.type ?? []].flat();
  if (isFile(found)) {
    const files = forms.filter((form) => form['x-input'] === 'file');
    const wanted = kindsOf(files);
    const kind = found['x-kind'] ?? '';
    if (files.length > 0 && (wanted.length === 0 || wanted.includes(kind))) return;
    if (listsItems(forms, kind)) return;
    if (files.length > 0)
      fail(wire, `\`${name}\` wants ${wanted.join(' or ')}, this is ${kind}`, fittingHint(wire, wanted));
    else if (!forms.some((form) => accepts(form, 'object'))) {
      fail(wire, `\`${name}\` wants ${expected(wire.schema)}, this is a file`, itemsHint(wire));
    }
    return;
  }
  if (types.length === 0 || types.some((type) => forms.some((form) => accepts(form, type)))) return;
  const hint =
    fittingHint(wire, kindsOf(forms.filter((form) => form['x-input'] === 'file'))) ?? itemsHint(wire);
  fail(wire, `\`${name}\` wants ${expected(wire.schema)}, this is ${typeWords(types)}`, hint);
}

/** Whether a file of this kind lists items that one of the forms takes. */
function listsItems(forms: readonly ValueSchema[], kind: string): boolean {
  const items = forms.filter((form) => form['x-input'] === 'items');
  const wanted = kindsOf(items).map(itemsFileKind);
  return items.length > 0 && (wanted.length === 0 ? isItemsFileKind(kind) : wanted.includes(kind));
}

/** Whether a form takes values of a type. A text may be a path. */
function accepts(form: ValueSchema, type: string): boolean {
  if (form['x-input'] === 'items') return false;
  if (form['x-input'] === 'file') return type === 'string';
  if (form.type === undefined && form.enum) return form.enum.some((choice) => typeof choice === type);
  const types = [form.type ?? type].flat();
  const numeric = type === 'integer' || type === 'number';
  return types.includes(type) || (numeric && (types.includes('number') || types.includes('integer')));
}

function expected(schema: ValueSchema): string {
  const forms = formsOf(schema).map((form) => {
    if (form['x-input'] === 'file')
      return form['x-kind'] === undefined ? 'a file' : `a file (${form['x-kind']})`;
    return form['x-input'] === 'items' ? 'the items of a stage' : formWords([form]);
  });
  return forms.join(' or ');
}

function itemsHint(wire: Wire): string | undefined {
  if (!formsOf(wire.schema).some((form) => form['x-input'] === 'items')) return undefined;
  return `write \${{ needs.${wire.stage.needs[0]?.name ?? 'STAGE'}.items }}`;
}

/** The outputs within reach that have the kind the parameter wants. */
function fittingHint(wire: Wire, kinds: readonly string[]): string | undefined {
  const fits = ([, type]: [string, ValueType]) => kinds.includes(kindOf(type) ?? '');
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
