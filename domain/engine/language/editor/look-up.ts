import { lookUp as entryOf, type CatalogEntry } from '../../../activity-schema.js';
import type { Named, StepDocument } from '../read/document.js';
import type { Place } from '../problems/problems.js';
import { typeOf } from './complete.js';
import { expressionAt, membersAfter, stepAt, type EditedPipeline, type StepCursor } from './cursor.js';

/**
 * Returns where the name under the cursor is declared; undefined if it is not a name.
 *
 * @param line counted from 1
 * @param column counted from 0
 */
export function findDefinition(
  edited: EditedPipeline,
  text: string,
  line: number,
  column: number,
): Place | undefined {
  const { document } = edited;
  const at = stepAt(document, line);
  const expression = expressionAt(text.split('\n')[line - 1] ?? '', column, true);
  if (expression) return placeOf(edited, at, [...expression.path, expression.word]);
  const sources = document.stages.flatMap(({ source }) => (source.kind === 'from' ? [source.stage] : []));
  const named = [...document.stages.flatMap(({ needs }) => needs), ...sources].find(({ place }) => {
    return covers(place, line, column);
  });
  return document.stages.find(({ name }) => name === named?.name)?.place;
}

function placeOf(edited: EditedPipeline, at: StepCursor, path: readonly string[]): Place | undefined {
  const { stages, params } = edited.document;
  const [root, name, , output] = path;
  const { stage } = at;
  if (root === 'params') return params.find((param) => param.name === name)?.place;
  if (root === 'steps') return stage?.steps.find(({ id }) => id === name)?.place;
  if (root === 'needs') {
    const needed = stages.find((other) => other.name === name);
    const declared = needed?.outputs?.find(({ key }) => key === output);
    return declared?.keyPlace ?? needed?.place;
  }
  const { source } = stage ?? {};
  const isItem =
    source && source.kind !== 'single' && root === (source.kind === 'matrix' ? 'matrix' : source.as);
  return isItem ? source.place : undefined;
}

/** Returns what is known about the name under the cursor, as Markdown; undefined if nothing is. */
export function describe(
  edited: EditedPipeline,
  text: string,
  line: number,
  column: number,
): string | undefined {
  const at = stepAt(edited.document, line);
  const expression = expressionAt(text.split('\n')[line - 1] ?? '', column, true);
  if (expression) {
    const offers = expression.path.length === 0 ? [] : membersAfter(edited, at, expression.path);
    const offer = offers.find(({ label }) => label === expression.word);
    if (offer === undefined) return undefined;
    const title = `**${[...expression.path, offer.label].join('.')}**`;
    return [offer.detail === undefined ? title : `${title}: ${offer.detail}`, offer.description]
      .filter(Boolean)
      .join('\n\n');
  }
  const step = edited.document.stages.flatMap(({ steps }) => steps).find((own) => touches(own, line, column));
  const entry = step && entryOf(edited.catalog, step.uses.name);
  return entry && describeIn(entry, step, line, column);
}

function describeIn(
  entry: CatalogEntry,
  step: StepDocument,
  line: number,
  column: number,
): string | undefined {
  if (covers(step.uses.place, line, column)) {
    const facts = `queue \`${entry.queue}\`, timeout ${entry.timeout}, heartbeat ${entry.heartbeat}`;
    return [`**${step.uses.name}**`, `${entry.summary}.`, facts].join('\n\n');
  }
  const key = step.with.find(({ keyPlace }) => covers(keyPlace, line, column))?.key;
  const schema = key === undefined ? undefined : entryOf(entry.with, key);
  if (key === undefined || schema === undefined) return undefined;
  const facts = [
    typeOf(schema),
    ...(entry.required.includes(key) ? ['required'] : []),
    ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
  ];
  return [`**${key}**: ${facts.join(', ')}`, schema.description].filter(Boolean).join('\n\n');
}

function touches({ uses, with: entries }: StepDocument, line: number, column: number): boolean {
  return [uses.place, ...entries.map(({ keyPlace }) => keyPlace)].some((place) =>
    covers(place, line, column),
  );
}

function covers(place: Named['place'], line: number, column: number): boolean {
  return place.line === line && column >= place.column - 1 && column <= place.column - 1 + place.length;
}
