import type { Json, JsonObject } from '../../json.js';
import type { InputFile } from '../../job.js';
import { camelCase } from '../../parameters.js';
import { agreedValues, groupByPatient } from '../combine/patients.js';
import { readSlideTable } from '../cohort/slide-table.js';
import { readExternalCohort } from './external-cohort.js';
import type { EvaluateWith } from './parameters.js';

interface KnownEvaluate {
  readonly with: JsonObject;
  readonly unknown: ReadonlySet<string>;
}

/**
 * Joins predictions and labels before the run if they exist, else checks the columns of the labels.
 * @throws SamMilError as `mil.evaluate` itself
 */
export function checkEvaluate({ with: given, unknown }: KnownEvaluate): {
  found?: string[];
  warnings?: string[];
  unknown?: string[];
} {
  const options = settings(given);
  const { predictions, labels } = options;
  if (predictions !== undefined && !unknown.has('labels') && !unknown.has('ensemble')) {
    const { classes, scored, warnings } = readExternalCohort(predictions.path, options);
    const counts = classes.map((name, k) => `${name} ${scored.filter(({ label }) => label === k).length}`);
    return {
      found: [`predictions of ${scored.length} labeled ${options.level ?? 'slide'}s: ${counts.join(', ')}`],
      warnings,
    };
  }
  if (labels === undefined) return {};
  const { rows, has } = readSlideTable(labels.path, undefined, options);
  if (options.level === 'patient') {
    const known = rows.filter(({ patient }) => patient !== undefined);
    const patients = groupByPatient(known.map(({ patient = '' }) => patient));
    agreedValues(known.map(({ site }) => site ?? null), patients, 'sites'); // prettier-ignore
  }
  const without = has.label ? [] : ['the labels of mil.evaluate have no column of labels'];
  return { found: [`${rows.length} rows of labels`], warnings: without };
}

/** The parameters as the implementation gets them. The digest of a file does not matter here. */
function settings(given: JsonObject): EvaluateWith {
  const file = (path: Json | undefined): InputFile | undefined =>
    typeof path === 'string' ? { path, digest: '', name: '' } : undefined;
  const entries = Object.entries(given).map(([name, value]) => [camelCase(name), value] as const);
  const files = Object.fromEntries(
    ['predictions', 'ensemble', 'labels'].map((name) => [name, file(given[name])]),
  );
  return { ...Object.fromEntries(entries), ...files } as unknown as EvaluateWith;
}
