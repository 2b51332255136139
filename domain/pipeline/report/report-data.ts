import type { ErrorRecord } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { DelongPair } from '../../statistics/delong.js';
import type { Protocol } from '../../mil/evaluate/evaluate-predictions.js';
import type { MetricsFile } from '../../mil/evaluate/metrics-file.js';
import type { RocCurve } from '../../statistics/roc.js';
import type { ColorScale, HeatmapStyle } from './heatmap-legend.js';
import type { MetricSummary, Spread, SummaryRow } from './summary.js';
import type { Timeline } from './timeline.js';

/** All a report page shows, read and reckoned; the page itself only lays it out. */
export interface ReportData {
  title: string;
  /** False where the report is of preprocessing alone. */
  evaluated: boolean;
  /** What a reader must know before believing a number. */
  notes: string[];
  groupBy: string[];
  rows: SummaryRow[];
  folds: FoldResult[];
  /** Over all out-of-fold scores of a repeat. */
  pooled: PooledResult[];
  comparisons: Comparison[];
  sweeps: Sweep[];
  /** Pictures of slides that went through the preprocessing, a slide each. */
  slides: SlidePictures[];
  heatmaps: HeatmapResult[];
  /** Which heatmaps are shown large, and the rule they were chosen by. */
  shown: { heatmaps: HeatmapResult[]; rule: string };
  left: LeftOut[];
  run: RunFacts;
  timeline: Timeline | null;
}

export interface FoldResult {
  group: string;
  metrics: MetricsFile;
  roc: RocCurve | null;
  /** Relative to the work folder. */
  files: { metrics: NamedDigest; predictions: NamedDigest };
}

export interface NamedDigest {
  path: string;
  digest: string;
}

/** Mean and std over the repeats, each repeat's out-of-fold scores taken together. */
export interface PooledResult {
  group: string;
  auc: Spread | null;
  accuracy_at_half: Spread | null;
  /** Each repeat's AUC with DeLong's 95 % interval, where both classes have two slides or more and the ranks are not perfect. */
  repeats: { repeat: number; auc: number | null; delong_95: readonly [number, number] | null }[];
}

/** Two groups on the same slides of one repeat, out-of-fold predictions of all its folds together. */
export interface Comparison {
  a: string;
  b: string;
  repeat: number;
  slides: number;
  result: DelongPair;
}

export interface Picture {
  caption: string;
  alt: string;
  /** `data:image/jpeg;base64,...` */
  source: string;
  width: number;
  height: number;
  /** What its colours mean, where it is drawn in a colour map. */
  scale?: ColorScale;
}

export interface SlidePictures {
  name: string;
  pictures: Picture[];
}

export interface HeatmapResult {
  key: string;
  name: string;
  style: HeatmapStyle;
  /** train, val or test, where known. */
  set: string | null;
  label: string | null;
  lesionAuc: number | null;
  lesionPatches: number;
  patches: number;
  /** Large pictures; empty unless this slide is shown. */
  pictures: Picture[];
  /** Small picture for the gallery; null beyond its limit. */
  small: Picture | null;
}

/** Something that is not in the numbers, and why. */
export interface LeftOut {
  stage: string;
  item: string;
  status: string;
  reason: string;
  /** Of what failed; `reason` is its text. */
  error?: ErrorRecord;
}

export interface RunFacts {
  id: string | null;
  /** Folder that paths are relative to, as the host that made the report names it. */
  work: string;
  /** The run's record of plan, parameters, weights and versions; null where there is none. */
  lock: string | null;
  pipeline: string | null;
  description: string | null;
  /** Digest of the pipeline file. */
  source: NamedDigest | null;
  params: JsonObject;
  /** Name to version, of everything that had a say in the numbers. */
  versions: [string, string][];
  seeds: { repeat: number; seed: number }[];
  /** Files that the numbers were read from. */
  inputs: NamedDigest[];
}

/** How results depend on one hyper-parameter, all others as they stand in the pipeline. */
export interface Sweep {
  parameter: string;
  /** What else the runs are grouped by, in words; empty where that is nothing. */
  of: string;
  /** Whose threshold F1 is taken at. */
  protocol: Protocol;
  /** Epoch or threshold was chosen on the very slides that are scored. */
  optimistic: boolean;
  /** Numbers by size, texts in order of appearance. */
  points: SweepPoint[];
}

export interface SweepPoint {
  value: string | number | boolean;
  folds: number;
  auc: MetricSummary;
  f1: MetricSummary;
}
