import { lookUp, type CatalogEntry, type ValueSchema } from '../../../activity-schema.js';
import { FUNCTIONS } from '../expressions/syntax.js';
import { listForms, typeWords } from '../check/schema-faults.js';
import { expressionAt, membersAfter, rootsOf, stepAt, type EditedPipeline, type Offer } from './cursor.js';

/**
 * Returns what can be written at a place: inside an expression its names, after `uses:` the activities, and
 * in `with` the parameters and their values.
 *
 * @param line counted from 1
 * @param column counted from 0
 */
export function complete(edited: EditedPipeline, text: string, line: number, column: number): Offer[] {
  const lines = text.split('\n');
  const own = lines[line - 1] ?? '';
  const at = stepAt(edited.document, line);
  const expression = expressionAt(own, column);
  if (expression) {
    if (expression.path.length > 0) return membersAfter(edited, at, expression.path);
    return [...rootsOf(at), ...Object.keys(FUNCTIONS).map(functionOffer)];
  }
  const before = own.slice(0, column);
  if (/^\s*(?:- )?uses:\s*[\w.-]*$/.test(before)) return activityOffers(edited);
  const entry = at.step && lookUp(edited.catalog, at.step.uses.name);
  if (entry === undefined || holderOf(lines, line) !== 'with') return [];
  const value = /^\s*([\w-]+):\s*[\w.-]*$/.exec(before);
  if (value) return valueOffers(lookUp(entry.with, value[1]));
  const given = at.step?.with.filter(({ keyPlace }) => keyPlace.line !== line).map(({ key }) => key) ?? [];
  return /^\s*[\w-]*$/.test(before) ? parameterOffers(entry, given) : [];
}

function functionOffer(name: string): Offer {
  return { label: name, kind: 'function', insert: `${name}(` };
}

function activityOffers({ catalog }: EditedPipeline): Offer[] {
  return Object.entries(catalog).map(([label, { summary, queue }]) => {
    return { label, kind: 'activity', detail: queue, description: summary };
  });
}

/** The key whose block holds a line. */
function holderOf(lines: readonly string[], line: number): string | undefined {
  const own = lines[line - 1] ?? '';
  const indent = /^ */.exec(own)?.[0].length ?? 0;
  for (let at = line - 2; at >= 0; at--) {
    const above = /^( *)((?:- )*)([\w-]+):/.exec(lines[at]);
    if (above && above[1].length + above[2].length < indent) return above[3];
  }
  return undefined;
}

function parameterOffers({ with: parameters, required }: CatalogEntry, given: readonly string[]): Offer[] {
  return Object.entries(parameters)
    .filter(([label]) => !given.includes(label))
    .map(([label, schema]) => {
      const detail = required.includes(label) ? `${typeOf(schema)}, required` : typeOf(schema);
      const standard =
        schema.default === undefined ? '' : String(JSON.stringify(schema.default)).replace(/^"|"$/g, '');
      const insert = `${label}: ${standard}`;
      return { label, kind: 'parameter', detail, description: schema.description, insert };
    });
}

function valueOffers(schema: ValueSchema | undefined): Offer[] {
  const forms = schema === undefined ? [] : listForms(schema);
  const choices = forms.flatMap((form) => [
    ...(form.enum ?? []),
    ...(form.type === 'boolean' ? [true, false] : []),
  ]);
  return choices.map((choice) => {
    const label = typeof choice === 'string' ? choice : JSON.stringify(choice);
    const detail = choice === schema?.default ? 'default' : undefined;
    return { label, kind: 'value', detail, description: schema?.['x-choices']?.[label] };
  });
}

/** `a file (patches)`, `a whole number`. */
export function typeOf(schema: ValueSchema): string {
  const forms = listForms(schema).map((form) => {
    const kind = form['x-kind'] === undefined ? '' : ` (${form['x-kind']})`;
    if (form['x-input'] === 'file') return `a file${kind}`;
    if (form['x-input'] === 'items') return `items${kind}`;
    if (form.enum) return form.enum.map((choice) => JSON.stringify(choice)).join(', ');
    return form.type === undefined ? 'any value' : typeWords(form.type);
  });
  return [...new Set(forms)].join(' or ');
}
