import { SamMilError } from '../../errors.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { readJson } from '../../files/read-json.js';
import type { Json, JsonObject } from '../../json.js';
import type { ValueSchema } from '../../activity-schema.js';
import type { RegressionMetricsFile, SurvivalMetricsFile } from './endpoint-metrics.js';
import type { MetricsFile } from './metrics-file.js';
import { METRICS, REGRESSION_METRICS_FILE, SURVIVAL_METRICS_FILE } from './metrics-schema.js';

/** Content of `metrics/<cell>.json`. `endpoint` tells which. */
export type AnyMetricsFile = MetricsFile | SurvivalMetricsFile | RegressionMetricsFile;

const SCHEMAS: Readonly<Record<AnyMetricsFile['endpoint'], ValueSchema>> = {
  classification: METRICS,
  survival: SURVIVAL_METRICS_FILE,
  regression: REGRESSION_METRICS_FILE,
};

const NEXT = 'use the items of a mil.evaluate stage, or run it again';

/**
 * Reads and checks a metrics file of any endpoint.
 *
 * @throws SamMilError InvalidInput naming the file and what in it is missing or contradicts the rest
 */
export function readMetricsFile(path: string): AnyMetricsFile {
  const value = readJson(path, 'metrics') as Json;
  const stated = (value as JsonObject | null)?.endpoint;
  const schema = SCHEMAS[stated === 'survival' || stated === 'regression' ? stated : 'classification'];
  requireSchema(schema, value, { file: path, what: 'not a metrics file of version 1', next: NEXT });
  const metrics = value as unknown as AnyMetricsFile;
  const found = metrics.endpoint === 'classification' ? contradiction(metrics) : unexplained(metrics);
  if (found === undefined) return metrics;
  throw new SamMilError('InvalidInput', 'the metrics file contradicts itself', {
    file: path,
    found,
    next: NEXT,
  });
}

/**
 * As {@link readMetricsFile}, for a reader that knows classes only.
 * @throws SamMilError InvalidInput also for another endpoint
 */
export function readClassMetrics(path: string): MetricsFile {
  const metrics = readMetricsFile(path);
  if (metrics.endpoint === 'classification') return metrics;
  throw new SamMilError('InvalidInput', 'the metrics are not of a classification', {
    file: path,
    expected: 'endpoint classification',
    found: `endpoint ${metrics.endpoint}`,
  });
}

/** Describes the first score that is null without a reason. */
function unexplained({ scores, undefined: reasons }: Exclude<AnyMetricsFile, MetricsFile>) {
  const why: Partial<Record<string, string>> = reasons;
  const [name] = Object.entries(scores).find(([name, value]) => value === null && !why[name]) ?? [];
  return name === undefined ? undefined : `${name} is null without a reason`;
}

/** Describes the first two numbers that do not belong together. */
function contradiction({ classes, counts, slides, protocols, several }: MetricsFile): string | undefined {
  if (new Set(classes).size !== classes.length) return `equal class names: ${classes.join(', ')}`;
  const names = Object.keys(counts);
  if (names.length !== classes.length || !classes.every((name) => Object.hasOwn(counts, name))) {
    return `classes ${classes.join(', ')}, but counts of ${names.join(', ')}`;
  }
  if (classes.length > 2 !== (several !== undefined))
    return `${classes.length} classes ${several === undefined ? 'without' : 'with'} \`several\``;
  const described = Object.entries(several?.per_class ?? {});
  if (
    several &&
    (described.length !== classes.length || described.some(([name, { slides: own }]) => own !== counts[name]))
  )
    return `classes ${classes.join(', ')}, but \`per_class\` of ${described.map(([name, { slides: own }]) => `${name} (${own})`).join(', ')}`;
  const counted = classes.reduce((sum, name) => sum + counts[name], 0);
  if (counted !== slides) return `${slides} slides, but counts of ${counted}`;
  for (const [name, { confusion }] of Object.entries(protocols)) {
    const rows = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
    const square =
      confusion.length === classes.length && confusion.every((row) => row.length === rows.length);
    if (!square || rows.some((sum, k) => sum !== counts[classes[k]])) {
      return `a confusion matrix (${name}) that does not have the counts of the classes`;
    }
  }
  return undefined;
}

export function formatMetricsFile(metrics: AnyMetricsFile): string {
  return `${JSON.stringify(metrics, null, 1)}\n`;
}
