import type { JsonObject } from '../../../json.js';
import type { AnyMetricsFile } from '../../../mil/evaluate/read-metrics-file.js';

/** An evaluation and the group that it belongs to. */
export interface EvaluatedFold<Metrics extends AnyMetricsFile = AnyMetricsFile> {
  group: string;
  metrics: Metrics;
  /** Value of each grouping field and each swept field; absent if the evaluation has none. */
  values: JsonObject;
  /** All fields of the item. */
  fields: JsonObject;
  /** Relative to the work folder. */
  files: { metrics: NamedDigest; predictions: NamedDigest };
}

export interface NamedDigest {
  path: string;
  digest: string;
}
