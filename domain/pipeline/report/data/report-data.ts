import type { StepResources } from '../../../engine/store/step-resources.js';
import type { ErrorRecord } from '../../../errors.js';
import type { JsonObject } from '../../../json.js';
import type { ColormapName } from '../../../mil/heatmap/colormap.js';
import type { HeatmapScore } from '../../../mil/heatmap/shown-class.js';
import type { Prediction, Protocol } from '../../../mil/evaluate/evaluate-predictions.js';
import type { DelongPair } from '../../../statistics/delong.js';

import type { MetricsFile } from '../../../mil/evaluate/metrics-file.js';
import type { RocCurve } from '../../../statistics/roc.js';
import type { EvaluatedFold, NamedDigest } from './evaluated-fold.js';
import type { RegressionResults, SurvivalResults } from './endpoint-results.js';
import type { PooledClasses } from './pooled-classes.js';
import type { PredictionTable } from './prediction-table.js';
import type { MetricSummary, Spread, SummaryRow } from './summary.js';
import type { Timeline } from './timeline.js';

/** Everything that a report page shows, read and computed. The page only lays it out. */
export interface ReportData {
  title: string;
  /** False if the report covers preprocessing only. */
  evaluated: boolean;
  /** What a reader must know before using the results. */
  notes: string[];
  groupBy: string[];
  /** All evaluations, of any endpoint. */
  evaluations: EvaluatedFold[];
  /** Those of classification: `rows` to `sweeps`. */
  rows: SummaryRow[];
  folds: FoldResult[];
  /** Over the pooled out-of-fold scores of each repeat. */
  pooled: PooledResult[];
  comparisons: Comparison[];
  sweeps: Sweep[];
  /** null without such evaluations. */
  survival: SurvivalResults | null;
  regression: RegressionResults | null;
  /** Of slides of another cohort, from mil.predict. */
  predictions: PredictionTable[];
  /** Large pictures of the first preprocessed slides. */
  slides: SlidePictures[];
  /** Thumbnails of all preprocessed slides; empty if all are shown large. */
  gallery: SlidePictures[];
  /** Number of slides whose pictures were left out to keep the page small. */
  slidesWithoutPictures: number;
  heatmaps: HeatmapResult[];
  /** Heatmaps that are shown enlarged, and the rule that selected them. */
  shown: { heatmaps: HeatmapResult[]; rule: string };
  left: LeftOut[];
  cohort: CohortFacts;
  /** Training histories by group; empty if they are not known. */
  training: TrainingCurves[];
  /** How each scored slide was classified, worst first. */
  scored: SlideScore[];
  /** Pictures of the worst errors, by slide. */
  errorPictures: Map<string, Picture[]>;
  warnings: StepWarning[];
  resources: StepResources[];
  run: RunFacts;
  timeline: Timeline | null;
}

export interface FoldResult extends EvaluatedFold<MetricsFile> {
  /** Of the positive class of two; null if undefined, and with more classes. */
  roc: RocCurve | null;
  /** With more than two classes, of each class against the others; null if undefined. */
  classRocs: (RocCurve | null)[];
}

/** A fold with the predictions that its metrics were computed from. */
export interface ReadFold extends FoldResult {
  predictions: Prediction[];
}

/** Mean and std over the repeats, with the out-of-fold scores of each repeat pooled. */
export interface PooledResult {
  group: string;
  /** With more than two classes, the macro one-versus-rest AUC. */
  auc: Spread | null;
  /** null with more than two classes. */
  accuracy_at_half: Spread | null;
  /** Only with more than two classes. */
  several?: PooledClasses;
  /**
   * AUC of each repeat with DeLong's 95% interval; the interval requires two slides per class and an
   * imperfect ranking.
   */
  repeats: { repeat: number; auc: number | null; delong_95: readonly [number, number] | null }[];
}

/**
 * Two groups compared on the same slides: the mean over the repeats of the AUC of their pooled scores, with
 * more than two classes the macro AUC.
 */
export interface PairTest {
  method: 'DeLong' | 'bootstrap';
  a: string;
  b: string;
  /** Repeats in which both scored these slides. */
  repeats: number[];
  slides: number;
  /** Without z from a bootstrap. */
  result: Omit<DelongPair, 'covariance' | 'variance'>;
}

/** A test of the report, with its p value corrected for the number of tests of the report. */
export interface Comparison extends PairTest {
  /** 1 if the ranks are equal, where `result` has no p value. */
  pHolm: number;
}

/** What a heatmap shows and how its scores map to colors, from the outputs of `mil.heatmap`. */
export interface HeatmapStyle {
  score: HeatmapScore;
  /** Class whose probability is shown, if known. */
  class?: string;
  scale: 'rank' | 'range' | 'none';
  colormap: ColormapName;
}

/** A color scale and the labels of its ends. */
export interface ColorScale {
  colormap: ColormapName;
  ends: readonly [string, string];
}

export interface Picture {
  caption: string;
  alt: string;
  /** `data:image/jpeg;base64,...` */
  source: string;
  width: number;
  height: number;
  /** Meaning of its colors, if it is drawn with a colormap. */
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
  /** train, val or test; null if unknown. */
  set: string | null;
  label: string | null;
  lesionAuc: number | null;
  /** What of the annotation counted, as text; null without an annotation. */
  annotated: string | null;
  lesionPatches: number;
  patches: number;
  /** Large pictures; empty unless this slide is shown. */
  pictures: Picture[];
  /** Thumbnail for the gallery; null beyond the limit. */
  small: Picture | null;
}

/** An item that the results do not include, and the reason. */
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
  /** Folder that paths are relative to, as named on the host that made the report. */
  work: string;
  /** The lock file with the run's plan, parameters, weights and versions; null if there is none. */
  lock: string | null;
  pipeline: string | null;
  description: string | null;
  /** Digest of the pipeline file. */
  source: NamedDigest | null;
  params: JsonObject;
  /** Name and version of everything that affected the results. */
  versions: [string, string][];
  seeds: { repeat: number; seed: number }[];
  /** Files that the results were read from. */
  inputs: NamedDigest[];
}

/** How results depend on one hyperparameter, with all others as in the pipeline. */
export interface Sweep {
  parameter: string;
  /** Name of the group by all other grouping fields; empty if there are none. */
  of: string;
  /** Protocol whose threshold is used for F1. */
  protocol: Protocol;
  /** The epoch or threshold was selected on the scored slides. */
  optimistic: boolean;
  /** Numbers by size, strings in order of first appearance. */
  points: SweepPoint[];
}

export interface SweepPoint {
  value: string | number | boolean;
  folds: number;
  auc: MetricSummary;
  f1: MetricSummary;
}

/** What the results were computed on, read from the evaluations and from the splits. */
export interface CohortFacts {
  /** Scored slides of each class, by class name. */
  classes: [string, number][];
  /** Slides, or patients, that were scored for survival or regression, and those with the event. */
  scored: number;
  events: number;
  /** Null if the splits are not known. */
  patients: { grouped: boolean; count: number } | null;
}

/** The histories of the trainings whose checkpoints a group evaluated. */
export interface TrainingCurves {
  group: string;
  folds: { cell: string; history: HistoryPoint[]; epoch: number | null }[];
  /** Evaluations of the group without a history. */
  missing: number;
}

export interface HistoryPoint {
  epoch: number;
  loss: number;
  valLoss: number | null;
  valAuc: number | null;
  valConcordance: number | null;
  valRmse: number | null;
}

/** One slide over all evaluations that scored it. */
export interface SlideScore {
  key: string;
  label: string;
  tests: SlideTest[];
}

export interface SlideTest {
  group: string;
  cell: string;
  /** Probability of the true class. */
  probability: number;
  /** Class called at the threshold of the group's protocol. */
  called: string;
  wrong: boolean;
}

/** A warning that a step logged, with the items concerned. */
export interface StepWarning {
  stage: string;
  step: string;
  activity: string;
  text: string;
  items: string[];
}
