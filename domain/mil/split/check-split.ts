import type { ItemRecord } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import { camelCase } from '../../parameters.js';
import { describeCohort, splitWarnings } from './describe-splits.js';
import { readLabels } from './labels.js';
import type { SplitWith } from './parameters.js';
import { splitItems } from './split.js';

/** What is known of the step; see `StepToCheck` of the activities. */
interface KnownSplit {
  readonly with: JsonObject;
  readonly unknown: ReadonlySet<string>;
  readonly items: Readonly<Record<string, readonly string[]>>;
}

interface Findings {
  found?: string[];
  warnings?: string[];
  unknown?: string[];
}

/**
 * Makes the splits before the run, as if every listed slide succeeds. If the slides are not known yet, every
 * row of the labels counts as a slide.
 *
 * @throws SamMilError as `mil.split` itself
 */
export function checkSplit(step: KnownSplit): Findings {
  const open = [...step.unknown].filter((name) => name !== 'bags');
  if (open.length > 0) {
    return {
      unknown: [`${open.map((name) => `\`${name}\``).join(', ')} of mil.split: known after earlier stages`],
    };
  }
  const options = settings(step.with);
  const keys = step.items.bags;
  const names = keys ?? readLabels(options.labels.path, options).rows.map(({ name }) => name);
  const made = splitItems(names.map(asItem), options);
  const found = describeCohort(made);
  return {
    found: [keys === undefined ? `${found} (by the rows of the labels)` : found],
    warnings: splitWarnings(made),
    unknown: keys === undefined ? ['which slides exist: known after earlier stages'] : [],
  };
}

function asItem(key: string): ItemRecord {
  return { key, fields: {}, status: 'done', outputs: {} };
}

/** The parameters as the implementation gets them. The digest of a file does not matter here. */
function settings(given: JsonObject): Omit<SplitWith, 'bags'> {
  const file = (path: Json | undefined) =>
    typeof path === 'string' ? { path, digest: '', name: '' } : undefined;
  const entries = Object.entries(given).map(([name, value]) => [camelCase(name), value] as const);
  const values = { ...Object.fromEntries(entries), labels: file(given.labels), splits: file(given.splits) };
  return values as unknown as Omit<SplitWith, 'bags'>;
}
