import type { InputFile, Job } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import { checked, PARAMETER_COLUMNS, presetParameters, type TissueParameters } from './tissue/parameters.js';
import type { PatchWith } from './parameters.js';
import { findProcessRow, isLeftOut } from './process-list.js';

/** What a slide's row of the process list does to it. */
export interface RowEffect {
  leftOut: boolean;
  /** Parameters whose values the row changes. */
  parameters: Partial<TissueParameters>;
}

/** Where the effect stands among a job's hidden inputs. */
const KEY = 'process-list';

/** Parameters in force: the preset's, over them those given, over them the row's. Throws `InvalidInput` where they can't be used. */
export function resolveParameters(given: PatchWith, row: Partial<TissueParameters> = {}): TissueParameters {
  const preset = presetParameters(typeof given.preset === 'string' ? given.preset : given.preset.path);
  const own = Object.keys(preset) as (keyof TissueParameters)[];
  const set = Object.fromEntries(
    own.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]),
  );
  return checked({ ...preset, ...set, ...row }, given.slide.path);
}

/** The effect as it was when the step was prepared, which is what the receipt will vouch for; without that, of the list as it is. */
export function rowOf({ with: given, hidden }: Job<PatchWith>): RowEffect {
  if (given.processList === undefined) return { leftOut: false, parameters: {} };
  const prepared = hidden?.[KEY] as Partial<RowEffect> | undefined;
  return prepared?.parameters === undefined
    ? effectOf(given.processList.path, given)
    : (prepared as RowEffect);
}

/**
 * For the cache key: the effect of the slide's row. A row that changes nothing (the list that a run itself wrote) is no part of the key, so its slide's
 * receipt stands; and a changed row concerns its slide only. `parameters` are the step's, by their names in a pipeline. Never throws: a list
 * that can't be read is refused by the activity itself.
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
    const effect = effectOf(list.path, { ...set, preset, slide } as unknown as PatchWith);
    const nothing = !effect.leftOut && Object.keys(effect.parameters).length === 0;
    return nothing ? {} : { [KEY]: effect as unknown as Json };
  } catch {
    return { [KEY]: { digest: list.digest } };
  }
}

function effectOf(list: string, given: PatchWith): RowEffect {
  const row = findProcessRow(list, given.slide.path);
  if (row === undefined) return { leftOut: false, parameters: {} };
  const without = resolveParameters(given);
  const changed = Object.entries(row.parameters).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(without[key as keyof TissueParameters]),
  );
  return { leftOut: isLeftOut(row), parameters: Object.fromEntries(changed) };
}
