import type { ItemRecord } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import { camelCase } from '../../parameters.js';
import { describeCohort, splitWarnings } from './describe-splits.js';
import { refuseIdleParameters } from './idle-parameters.js';
import { readLabels } from '../labels/labels.js';
import type { SplitWith } from './parameters.js';
import { splitItems } from './split.js';

/** A slide that the pipeline processes, or leaves out for a reason. */
interface ListedItem {
  readonly key: string;
  readonly skip?: string;
}

/** What is known of the step; see `StepToCheck` of the activities. */
interface KnownSplit {
  readonly with: JsonObject;
  readonly unknown: ReadonlySet<string>;
  readonly items: Readonly<Record<string, readonly ListedItem[]>>;
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
      unknown: [`${open.map((name) => `\`${name}\``).join(', ')} of mil.split, which an earlier stage makes`],
    };
  }
  const options = settings(step.with);
  refuseIdleParameters(options);
  const listed = step.items.bags;
  const slides = listed ?? readLabels(options.labels.path, options).rows.map(({ name }) => ({ key: name }));
  const made = splitItems(slides.map(asItem), options);
  const found = describeCohort(made);
  return {
    found: [listed === undefined ? `${found} (by the rows of the labels)` : found],
    warnings: splitWarnings(made),
    unknown: listed === undefined ? ['which slides exist, because an earlier stage makes them'] : [],
  };
}

function asItem({ key, skip }: ListedItem): ItemRecord {
  const item = { key, fields: {}, outputs: {} };
  return skip === undefined ? { ...item, status: 'done' } : { ...item, status: 'skipped', reason: skip };
}

/** The parameters as the implementation gets them. The digest of a file does not matter here. */
function settings(given: JsonObject): Omit<SplitWith, 'bags'> {
  const file = (path: Json | undefined) =>
    typeof path === 'string' ? { path, digest: '', name: '' } : undefined;
  const entries = Object.entries(given).map(([name, value]) => [camelCase(name), value] as const);
  const values = { ...Object.fromEntries(entries), labels: file(given.labels), splits: file(given.splits) };
  return values as unknown as Omit<SplitWith, 'bags'>;
}
