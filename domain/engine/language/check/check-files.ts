import { isAbsolute, resolve } from 'node:path';
import type { Json } from '../../../json.js';
import { lookUp, type ValueSchema } from '../../../activity-schema.js';
import type { Place, ProblemList } from '../problems/problems.js';
import { listForms } from './schema-faults.js';

/** How the files that a pipeline names are looked up. */
export interface Files {
  /** Folder to which relative paths are relative. */
  base: string;
  exists: (path: string) => boolean;
}

/** For checks that do not access the file system. */
export const ANY_FILES: Files = { base: '/', exists: () => true };

/**
 * Reports `path` if no file or folder exists there.
 * @param params names of the params that the path was computed from, for the hint to set another value
 */
export function checkFile(
  path: string,
  place: Place,
  { files, problems, params }: { files: Files; problems: ProblemList; params: readonly string[] },
): void {
  const absolute = resolve(files.base, path);
  if (files.exists(absolute)) return;
  const other = params.map((name) => `--set ${name}=…`).join(' or ');
  const hint = [
    ...(other === '' ? [] : [`set your own path with ${other}`]),
    ...(isAbsolute(path) ? [] : ['relative paths are relative to the pipeline file']),
  ];
  problems.error(
    'missing-file',
    place,
    `the file or folder ${absolute} does not exist`,
    hint.join('; ') || undefined,
  );
}

/**
 * Returns the files that a literal value names where its schema takes inputs, each with its path in the
 * value.
 */
export function namedFiles(
  schema: ValueSchema,
  value: Json,
  path: string[] = [],
): { path: string[]; file: string }[] {
  const forms = listForms(schema);
  if (typeof value === 'string') {
    const isChoice = forms.some((form) => form.enum?.includes(value) || form.const === value);
    const takesFile = forms.some((form) => form['x-input'] === 'file');
    return takesFile && !isChoice && value !== '' ? [{ path, file: value }] : [];
  }
  if (Array.isArray(value)) {
    const members = forms.find((form) => form.items)?.items;
    return members
      ? value.flatMap((member, index) => namedFiles(members, member, [...path, String(index)]))
      : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const { properties = {}, additionalProperties } =
    forms.find((form) => form.properties ?? form.additionalProperties) ?? {};
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  return Object.entries(value).flatMap(([key, member]) => {
    const inner = lookUp(properties, key) ?? others;
    return inner === undefined ? [] : namedFiles(inner, member, [...path, key]);
  });
}
