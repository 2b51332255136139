import type { Endpoint } from '../targets/target.js';
import type { EventTexts } from './event-texts.js';
import type { ColumnOptions } from './label-columns.js';

/** One row of a labels file. */
export interface LabelRow {
  line: number;
  /** The slide, case or patient of the row, as written. */
  name: string;
  /** Index into {@link LabelTable.classes}. 0 for survival and regression, see `strata.ts`. */
  label: number;
  /** Only for survival. */
  followUp?: { time: number; event: 0 | 1 };
  /** Only for regression. */
  value?: number;
  /** The patient, whose slides must stay in one set. Absent if the file has no patient column. */
  group?: string;
  /** The patient that `group-column: none` ignores. */
  ignoredGroup?: string;
}

/** A row whose label is not known. */
export interface UnlabeledRow {
  line: number;
  name: string;
  /** The cells of the label, as written. */
  text: string;
  /** What the row lacks: `label`, `time`, `event`, `time and event` or `value`. */
  lacks: string;
}

export interface LabelTable {
  file: string;
  endpoint: Endpoint;
  /** Names in class-index order. Empty for survival and regression. */
  classes: string[];
  /** Name of the column of times or values. */
  quantity?: string;
  /** Name of the column of events, and its texts that mean the event. Only for survival. */
  events?: { column: string; texts: string[] };
  /** Name of the patient column, if the file has one. */
  groupColumn?: string;
  rows: LabelRow[];
  /** Only with `unmatched: drop`. */
  unlabeled: UnlabeledRow[];
  warnings: string[];
}

export interface LabelOptions extends ColumnOptions, EventTexts {
  /** Class names in index order (the last of two is the positive one). Default: sorted, numbers by value. */
  classes?: readonly string[];
  /** For scores only: accepts a table without an event, or with one value. Default: refused. */
  mayNotVary?: boolean;
  /** `drop`: rows without a label are listed instead of refused. Default: refused. */
  unmatched?: 'error' | 'drop';
}
