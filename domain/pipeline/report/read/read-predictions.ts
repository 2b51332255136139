import { readCsv, type CsvRow } from '../../../files/csv.js';
import type { ItemRecord } from '../../../job.js';
import { readEnsembleFile } from '../../../mil/cohort/ensemble-file.js';
import { calledAt, type LockedThreshold } from '../../../mil/cohort/lock-threshold.js';
import { outputFile } from '../../output-refs.js';
import type { PredictedCase, PredictionTable } from '../data/prediction-table.js';

/** Reads the predictions of mil.predict: a table of slides and, if they were combined, one of patients. */
export async function readPredictionTables(
  items: readonly ItemRecord[],
  work: string,
): Promise<PredictionTable[]> {
  const tables: PredictionTable[] = [];
  for (const item of items) {
    if (item.status !== 'done') continue;
    const path = async (name: string) => (await outputFile(item, name, work)).absolute;
    const ensemble = readEnsembleFile(await path('ensemble'));
    const name = items.length > 1 ? `${ensemble.model}, ${item.key}` : ensemble.model;
    const head = { name, model: ensemble.model, checkpoints: ensemble.checkpoints.length };
    const slides = readTable(await path('predictions'));
    const votes = readVotes(await path('folds'), slides.columns, ensemble.threshold);
    const rows = slides.rows.map((row) => ({ ...row, votes: votesOf(row, votes.get(row.key)) }));
    const { target } = ensemble;
    const quantity = target.endpoint === 'regression' ? { columns: [target.value] } : {};
    const common = {
      ...head,
      ...describeTable(slides.columns),
      ...quantity,
      threshold: target.endpoint === 'regression' ? null : ensemble.threshold,
    };
    const patients =
      item.outputs['patient-predictions'] === undefined
        ? []
        : [{ ...common, level: 'patient' as const, rows: readTable(await path('patient-predictions')).rows }];
    tables.push(...patients, { ...common, level: 'slide', rows });
  }
  return tables;
}

/** The endpoint follows from the columns. */
function describeTable(columns: readonly string[]): Pick<PredictionTable, 'endpoint' | 'columns'> {
  const [first] = columns;
  if (first === 'risk') return { endpoint: 'survival', columns: ['risk'] };
  if (first === 'predicted') return { endpoint: 'regression', columns: ['predicted value'] };
  return { endpoint: 'classification', columns: columns.map(classOf) };
}

function classOf(column: string): string {
  return column.slice('prob_'.length);
}

interface Table {
  /** Columns of values. */
  columns: string[];
  rows: PredictedCase[];
}

function readTable(path: string): Table {
  const { columns: all, rows } = readCsv(path, { header: true });
  const columns = valueColumns(all);
  return { columns, rows: rows.map((row) => predictedCase(row, columns)) };
}

function valueColumns(all: readonly string[]): string[] {
  return all.filter((column) => column.startsWith('prob_') || column === 'risk' || column === 'predicted');
}

function predictedCase({ values }: CsvRow, columns: readonly string[]): PredictedCase {
  const optional = (text: string | undefined) => (text === undefined || text === '' ? null : text);
  const number = (text: string | undefined) => (optional(text) === null ? null : Number(text));
  return {
    key: values.slide_id ?? values.patient_id,
    patient: optional(values.patient),
    label: optional(values.label),
    values: columns.map((column) => Number(values[column])),
    spreads: columns.map((column) =>
      number(values[column.startsWith('prob_') ? column.replace('prob_', 'spread_') : 'spread']),
    ),
    called: optional(values.called ?? values.group),
    votes: null,
  };
}

/** What each checkpoint alone calls, by slide. Empty for regression, which calls nothing. */
function readVotes(
  path: string,
  columns: readonly string[],
  threshold: LockedThreshold,
): Map<string, string[]> {
  const votes = new Map<string, string[]>();
  const { endpoint } = describeTable(columns);
  if (endpoint === 'regression') return votes;
  // Checkpoints are averaged, and compared with the threshold, on this scale.
  const compared = endpoint === 'survival' ? ['averaged_risk'] : columns;
  for (const { values } of readCsv(path, { header: true, required: ['slide_id', ...compared] }).rows) {
    const numbers = compared.map((column) => Number(values[column]));
    const called =
      endpoint === 'survival'
        ? numbers[0] > (threshold.value ?? Infinity)
          ? 'high'
          : 'low'
        : classOf(columns[calledAt(numbers, threshold)]);
    votes.set(values.slide_id, [...(votes.get(values.slide_id) ?? []), called]);
  }
  return votes;
}

function votesOf({ called }: PredictedCase, votes: readonly string[] | undefined): PredictedCase['votes'] {
  if (votes === undefined || called === null || votes.length < 2) return null;
  return { same: votes.filter((vote) => vote === called).length, all: votes.length };
}
