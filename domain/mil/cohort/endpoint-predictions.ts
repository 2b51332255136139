import { SamMilError } from '../../errors.js';
import { formatCsv, readCsv, type CsvRow } from '../../files/csv.js';
import type { LogHazardScale } from '../combine/ensemble.js';
import type { Case } from './patient-cases.js';

/** A slide, or a patient with its number of slides. */
export interface ScoredCase {
  key: string;
  /** The patient of a slide. */
  patient?: string;
  /** Number of slides of a patient. */
  slides?: number;
  site?: string;
}

export interface SurvivalCase extends ScoredCase {
  time: number;
  event: 0 | 1;
  /** Larger means an earlier event. */
  risk: number;
}

export interface RegressionCase extends ScoredCase {
  value: number;
  predicted: number;
}

export type Level = 'slide' | 'patient';

/**
 * Formats slide_id (and patient if known), or patient_id and slides; time, event, risk, standardized_risk and
 * group (`high` or `low`), all with all digits.
 * @param scale of the risks of the training patients; undefined, or without deviation: empty cells
 * @param threshold a risk above it is high; null: empty cells
 */
export function formatSurvival(
  cases: readonly SurvivalCase[],
  level: Level,
  { scale, threshold }: { scale: LogHazardScale | undefined; threshold: number | null },
): string {
  const standardized = (risk: number) =>
    scale === undefined || scale.deviation === 0 ? '' : `${(risk - scale.mean) / scale.deviation}`;
  return formatCsv(
    [...nameColumns(cases, level), 'time', 'event', 'risk', 'standardized_risk', 'group'],
    cases.map((one) => ({
      ...nameCells(one, level),
      ...{ time: `${one.time}`, event: `${one.event}`, risk: `${one.risk}` },
      standardized_risk: standardized(one.risk),
      group: threshold === null ? '' : one.risk > threshold ? 'high' : 'low',
    })),
  );
}

/** Formats slide_id (and patient if known), or patient_id and slides; label, predicted. */
export function formatRegression(cases: readonly RegressionCase[], level: Level): string {
  return formatCsv(
    [...nameColumns(cases, level), 'label', 'predicted'],
    cases.map((one) => ({
      ...nameCells(one, level),
      ...{ label: `${one.value}`, predicted: `${one.predicted}` },
    })),
  );
}

/** Columns that name a row of predictions, of any endpoint. */
export function nameColumns(cases: readonly ScoredCase[], level: Level): string[] {
  if (level === 'patient') return ['patient_id', 'slides'];
  return ['slide_id', ...(cases.some(({ patient }) => patient !== undefined) ? ['patient'] : [])];
}

export function nameCells({ key, patient, slides }: ScoredCase, level: Level) {
  return level === 'patient' ? { patient_id: key, slides } : { slide_id: key, patient };
}

/** The column that names a row. @throws SamMilError InvalidInput if there is none */
export function nameColumnOf(path: string, columns: readonly string[]): string {
  const name = ['slide_id', 'patient_id'].find((column) => columns.includes(column));
  if (name !== undefined) return name;
  throw new SamMilError('InvalidInput', 'no column names the slides or patients', {
    file: path,
    expected: 'slide_id or patient_id',
    found: `columns ${columns.join(', ')}`,
  });
}

/** A row of {@link formatSurvival}. */
export interface SurvivalRow extends SurvivalCase {
  standardizedRisk: number | null;
  group: 'high' | 'low' | null;
}

/**
 * Reads the output of {@link formatSurvival} with exactly the same numbers.
 * @throws SamMilError InvalidInput as file:line
 */
export function readSurvivalPredictions(path: string): SurvivalRow[] {
  return readCases(path, ['time', 'event', 'risk', 'standardized_risk', 'group'], ({ values }) => {
    const { standardized_risk: standardized, group } = values;
    const [time, event, risk] = [values.time, values.event, values.risk].map(numberOf);
    const valid = time >= 0 && (event === 0 || event === 1) && Number.isFinite(risk);
    if (!valid || (standardized !== '' && !Number.isFinite(numberOf(standardized)))) return undefined;
    if (group !== '' && group !== 'high' && group !== 'low') return undefined;
    return {
      ...{ time, event, risk },
      standardizedRisk: standardized === '' ? null : numberOf(standardized),
      group: group === '' ? null : group,
    };
  });
}

/** As {@link readSurvivalPredictions} for {@link formatRegression}. */
export function readRegressionPredictions(path: string): RegressionCase[] {
  return readCases(path, ['label', 'predicted'], ({ values }) => {
    const [value, predicted] = [values.label, values.predicted].map(numberOf);
    return Number.isFinite(value) && Number.isFinite(predicted) ? { value, predicted } : undefined;
  });
}

function numberOf(text: string): number {
  return text === '' ? NaN : Number(text);
}

/** @param parse undefined: the row is invalid */
function readCases<Facts>(
  path: string,
  columns: readonly string[],
  parse: (row: CsvRow) => Facts | undefined,
): (ScoredCase & Facts)[] {
  const table = readCsv(path, { header: true, required: [...columns] });
  const name = nameColumnOf(path, table.columns);
  const seen = new Set<string>();
  return table.rows.map((row) => {
    const { [name]: key, patient, slides } = row.values;
    const facts = parse(row);
    if (facts === undefined || key === '' || seen.has(key)) {
      throw new SamMilError('InvalidInput', 'this row is not a valid prediction', {
        file: `${path}:${row.line}`,
        expected: `${name} once, and valid ${columns.join(', ')}`,
        found: Object.values(row.values).join(','),
      });
    }
    seen.add(key);
    const optional = {
      ...(patient && { patient }),
      ...(slides && { slides: Number(slides) }),
    };
    return { key, ...optional, ...facts };
  });
}

/** The cases whose time and event are known. */
export function survivalCases(cases: readonly Case[]): SurvivalCase[] {
  return cases.flatMap(({ score, followUp, ...one }) =>
    followUp === undefined ? [] : [{ ...named(one), risk: score, ...followUp }],
  );
}

/** The cases whose value is known. */
export function regressionCases(cases: readonly Case[]): RegressionCase[] {
  return cases.flatMap(({ score, value, ...one }) =>
    value === undefined ? [] : [{ ...named(one), predicted: score, value }],
  );
}

function named({ key, patient, slides, site }: Omit<Case, 'score'>) {
  return {
    key,
    ...(patient !== undefined && { patient }),
    ...(slides !== undefined && { slides }),
    ...(site !== undefined && { site }),
  };
}
