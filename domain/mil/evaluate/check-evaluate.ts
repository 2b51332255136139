import { existsSync } from 'node:fs';
import type { Json, JsonObject } from '../../json.js';
import { readCsv } from '../../files/csv.js';
import type { InputFile } from '../../job.js';
import { readColumnName } from '../labels/follow-up-columns.js';
import { camelCase } from '../../parameters.js';
import { agreedValues, groupByPatient } from '../combine/patients.js';
import { refuseClassOptions } from '../cohort/endpoint-options.js';
import { readSlideTable } from '../cohort/slide-table.js';
import { readSplits } from '../split/splits.js';
import { readExternalCohort } from './external-cohort.js';
import { externalEndpoint, readExternalScores } from './external-scores.js';
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
  refuseOptionsOfSplits(given, unknown, options);
  if (predictions !== undefined && !unknown.has('labels') && !unknown.has('ensemble')) {
    const endpoint = externalEndpoint(predictions.path, options.ensemble);
    if (endpoint !== 'classification') return describeScores(predictions.path, endpoint, options);
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
  const without =
    has.label || hasTimes(labels.path) ? [] : ['the labels of mil.evaluate have no column of labels'];
  return { found: [`${rows.length} rows of labels`], warnings: without };
}

/** Whether a table has a column of times of survival, by its name. */
function hasTimes(path: string): boolean {
  return readCsv(path).columns.some((name) => readColumnName(name, 0)?.kind === 'time');
}

/** Refuses what the endpoint of splits that already exist does not have. */
function refuseOptionsOfSplits(given: JsonObject, unknown: ReadonlySet<string>, options: EvaluateWith): void {
  const { splits } = given;
  if (typeof splits !== 'string' || unknown.has('splits') || !existsSync(splits)) return;
  refuseClassOptions(readSplits(splits).endpoint, options);
}

function describeScores(file: string, endpoint: 'survival' | 'regression', options: EvaluateWith) {
  const { cases, quantity, warnings } = readExternalScores(file, endpoint, options);
  const events = cases.filter(({ followUp }) => followUp?.event === 1).length;
  const what = `predictions of ${cases.length} ${options.level ?? 'slide'}s with ${quantity}`;
  return { found: [endpoint === 'survival' ? `${what}: ${events} events` : what], warnings };
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
