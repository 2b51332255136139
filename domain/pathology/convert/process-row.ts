import { basename } from 'node:path';
import { SamMilError } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import type { InputFile, Job } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { findProcessRow, isLeftOut } from '../patch/process-list.js';

/** Where the reason stands among a job's hidden inputs. */
const KEY = 'process-list';

/**
 * For the cache key: why the list leaves the slide out, nothing where it does not. A changed row concerns its slide only, and no more of the list
 * decides what is written. Never throws: a list that can't be read, or that knows the slide by another name, counts as a whole.
 */
export function leftOutInKey(inputs: Readonly<Record<string, InputFile>>): JsonObject {
  const { features, 'process-list': list } = inputs;
  if (list === undefined || features === undefined) return {};
  try {
    const why = leftOutBecause(list, [features.name]);
    return why === undefined ? {} : { [KEY]: { why } };
  } catch {
    return { [KEY]: { digest: list.digest } };
  }
}

/** The reason as it was when the step was prepared, which is what the receipt will vouch for; without that, of the list as it is. */
export function leftOutOf({ with: given, hidden, name }: Job<GivenList>): string | undefined {
  if (given.processList === undefined) return undefined;
  const prepared = hidden?.[KEY] as { why?: string; digest?: string } | undefined;
  const isKnown = hidden !== undefined && prepared?.digest === undefined;
  return isKnown ? prepared?.why : leftOutBecause(given.processList, [given.features.name, name]);
}

interface GivenList {
  features: InputFile;
  processList?: InputFile;
}

/**
 * Why a process list leaves a slide out: its `process` is 0 and no run has finished it, or its status says that there was no tissue or that it failed.
 * Undefined where it is to be converted.
 * @param names that the slide may be listed under, without extension
 * @throws SamMilError InvalidInput where the list has no row for the slide
 */
export function leftOutBecause(list: InputFile, names: readonly string[]): string | undefined {
  // A name may hold dots: with an ending of its own it is not cut at the last of them.
  const rows = names.map((name) => findProcessRow(list.path, `${name}.h5`));
  const row = rows.find((found) => found !== undefined);
  if (row === undefined) throw unlisted(list.path, names[0]);
  if (isLeftOut(row)) return `process is 0 in ${basename(list.path)}`;
  const { status } = row;
  const bad = status === 'no_tissue' || status.startsWith('failed');
  return bad ? `${status} in ${basename(list.path)}` : undefined;
}

function unlisted(file: string, name: string): SamMilError {
  const { rows } = readCsv(file, { header: true });
  const ids = rows.map(({ values }) => values.slide_id);
  const shown = ids.slice(0, 5).join(', ');
  return new SamMilError('InvalidInput', `slide "${name}" is not in the process list`, {
    file,
    expected: `a row whose slide_id is ${name}, with or without an extension`,
    found: `${ids.length} rows: ${shown}${ids.length > 5 ? ', ...' : ''}`,
    next: 'add the slide to the list, or leave `process-list` out',
  });
}
