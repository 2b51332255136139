/** Predictions of one model for another cohort, of its slides or of its patients. */
export interface PredictionTable {
  /** Model and item, if there are several. */
  name: string;
  model: string;
  level: 'slide' | 'patient';
  checkpoints: number;
  endpoint: 'classification' | 'survival' | 'regression';
  /** Names of the values of a row: classes, `risk`, or the predicted quantity. */
  columns: string[];
  /** How rows are called. */
  threshold: { value: number | null; from: string } | null;
  rows: PredictedCase[];
}

export interface PredictedCase {
  key: string;
  patient: string | null;
  /** What the labels table states: a class, or the follow-up or value as text. */
  label: string | null;
  values: number[];
  /** Population deviation over the checkpoints, of each value; null: not known. */
  spreads: (number | null)[];
  /** Class or risk group; null if nothing is called. */
  called: string | null;
  /** How many checkpoints alone call the same; null if it is not known. */
  votes: { same: number; all: number } | null;
}

/** Whether a checkpoint alone would call another class or group. */
export function disagree({ votes }: PredictedCase): boolean {
  return votes !== null && votes.same < votes.all;
}

/**
 * The number that a histogram shows: the probability of the last of two classes, that of the most probable of
 * more, the risk, or the value.
 */
export function shownScore({ values }: PredictedCase, { endpoint }: PredictionTable): number {
  if (endpoint !== 'classification') return values[0];
  return values.length === 2 ? values[1] : Math.max(...values);
}
