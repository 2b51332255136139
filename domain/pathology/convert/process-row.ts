import { basename } from 'node:path';
import { SamMilError } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import type { InputFile, Job } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { findProcessRow, isLeftOut } from '../patch/process-list.js';

/** Key of the reason among the hidden inputs of a job. */
const KEY = 'process-list';

/**
 * Returns the reason why the list excludes the slide, for the cache key; empty if it does not. Only this
 * reason affects the output, so a changed row affects only its slide. It never throws: a list that cannot be
 * read, or that lists the slide under another name, enters the key as a whole.
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

/**
 * Returns the reason recorded when the step was prepared, which the receipt certifies, or else the reason in
 * the current list.
 */
export function leftOutReason({ with: given, hidden, name }: Job<GivenList>): string | undefined {
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
 * Returns why a process list excludes a slide: `process` is 0 and no run finished it, or its status is no
 * tissue or failed. Undefined if the slide is to be converted.
 * @param names that the slide may be listed under, without extension
 * @throws SamMilError InvalidInput if the list has no row for the slide
 */
export function leftOutBecause(list: InputFile, names: readonly string[]): string | undefined {
  // A name may contain dots. The added extension keeps the last part from being cut off.
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
    expected: `a row with slide_id ${name}, with or without a file extension`,
    found: `${ids.length} rows: ${shown}${ids.length > 5 ? ', ...' : ''}`,
    next: 'add the slide to the list, or remove `process-list`',
  });
}
