import type { InputFile, Job } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import { checked, PARAMETER_COLUMNS, presetParameters, type TissueParameters } from './tissue/parameters.js';
import type { PatchWith } from './parameters.js';
import { findProcessRow, isLeftOut, unreadColumns } from './process-list.js';

/** Effect of a row of the process list on its slide. */
export interface RowEffect {
  leftOut: boolean;
  /** Parameters that the row changes. */
  parameters: Partial<TissueParameters>;
}

/** Key of the effect among the hidden inputs of a job. */
const KEY = 'process-list';

/**
 * Resolves the effective parameters: the row overrides the given parameters, which override the preset.
 * @throws SamMilError InvalidInput if they are invalid
 */
export function resolveParameters(given: PatchWith, row: Partial<TissueParameters> = {}): TissueParameters {
  const preset = presetParameters(typeof given.preset === 'string' ? given.preset : given.preset.path);
  const own = Object.keys(preset) as (keyof TissueParameters)[];
  const set = Object.fromEntries(
    own.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]),
  );
  return checked({ ...preset, ...set, ...row }, given.slide.path);
}

/**
 * Returns the effect recorded when the step was prepared, which the receipt certifies, or else the effect of
 * the current list.
 */
export function readRowEffect({ with: given, hidden }: Job<PatchWith>): RowEffect {
  if (given.processList === undefined) return { leftOut: false, parameters: {} };
  const prepared = hidden?.[KEY] as Partial<RowEffect> | undefined;
  return prepared?.parameters === undefined
    ? computeEffect(given.processList.path, given)
    : (prepared as RowEffect);
}

/**
 * Returns the effect of the slide's row, for the cache key. A row without effect (as in the list that the run
 * wrote) is not part of the key, so the slide stays up to date, and a changed row affects only its slide.
 * `parameters` are those of the step, by their pipeline names. It never throws: the activity refuses a list
 * that cannot be read.
 */
export function rowInKey(parameters: JsonObject, inputs: Readonly<Record<string, InputFile>>): JsonObject {
  const list = inputs['process-list'];
  const slide = inputs.slide;
  if (list === undefined || slide === undefined) return {};
  const named = PARAMETER_COLUMNS.map(
    ([column, key]) => [key, parameters[column.replaceAll('_', '-')]] as const,
  );
  const set = Object.fromEntries(named.filter(([, value]) => value !== undefined));
  const preset = inputs.preset ?? (parameters.preset as string);
  try {
    const effect = computeEffect(list.path, { ...set, preset, slide } as unknown as PatchWith);
    const nothing = !effect.leftOut && Object.keys(effect.parameters).length === 0;
    return nothing ? {} : { [KEY]: effect as unknown as Json };
  } catch {
    return { [KEY]: { digest: list.digest } };
  }
}

/** What a person should know about the list: it does not name the slide, or has columns that nobody reads. */
export function rowNotes({ with: { processList, slide } }: Job<PatchWith>): string[] {
  if (processList === undefined) return [];
  const unread = unreadColumns(processList.path);
  return [
    ...(findProcessRow(processList.path, slide.path) === undefined
      ? [`${processList.name} does not list this slide; the parameters of the pipeline apply`]
      : []),
    ...(unread.length > 0 ? [`${processList.name} has columns that nobody reads: ${unread.join(', ')}`] : []),
  ];
}

function computeEffect(list: string, given: PatchWith): RowEffect {
  const row = findProcessRow(list, given.slide.path);
  if (row === undefined) return { leftOut: false, parameters: {} };
  const without = resolveParameters(given);
  const changed = Object.entries(row.parameters).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(without[key as keyof TissueParameters]),
  );
  return { leftOut: isLeftOut(row), parameters: Object.fromEntries(changed) };
}
