import type { JsonObject } from '../../json.js';

/**
 * The work of a stage in seconds, which weighs items by their kind: a training of one model may take thirty
 * times as long as that of another. Workflows import this file, so it uses no Node built-ins.
 */
export interface Work {
  /** Seconds that ended items took. */
  done: number;
  /** Expected seconds of the items that have not ended, including the running ones. */
  left: number;
  /** Expected seconds of the running items. */
  running: number;
}

interface Kind {
  /** Items for which a step had to run, and the seconds that they took. */
  made: number;
  seconds: number;
  failed: number;
  /** Items that are known and have not ended, and how many of them run. */
  left: number;
  running: number;
}

/** By kind of item. */
export type Workload = Record<string, Kind>;

/** More kinds than this do not fit into a workflow's state; the items of the others count as one kind. */
const MOST_KINDS = 64;

/**
 * The kind of an item: its text fields, such as model and encoder. Items that differ only in numbers, such as
 * fold and seed, are of one kind.
 */
function kindOf(workload: Workload, fields: JsonObject): Kind {
  const texts = Object.entries(fields).filter(([, value]) => typeof value === 'string');
  const name = JSON.stringify(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
  const known = Object.hasOwn(workload, name) || Object.keys(workload).length < MOST_KINDS;
  return (workload[known ? name : ''] ??= { made: 0, seconds: 0, failed: 0, left: 0, running: 0 });
}

/** Adds an item that will need work. */
export function expectItem(workload: Workload, fields: JsonObject): void {
  kindOf(workload, fields).left += 1;
}

export function startItem(workload: Workload, fields: JsonObject): void {
  kindOf(workload, fields).running += 1;
}

export function stopItem(workload: Workload, fields: JsonObject): void {
  kindOf(workload, fields).running -= 1;
}

/**
 * Removes an item that has ended, or that does not enter the stage.
 *
 * @param took its seconds if a step had to run; `failed`, which takes as long as others of its kind
 */
export function endItem(workload: Workload, fields: JsonObject, took?: number | 'failed'): void {
  const kind = kindOf(workload, fields);
  kind.left = Math.max(0, kind.left - 1);
  if (took === 'failed') kind.failed += 1;
  else if (took !== undefined) {
    kind.made += 1;
    kind.seconds += took;
  }
}

/**
 * The work of a stage; undefined until an item has ended. An item whose kind has no ended item counts as the
 * average of the others.
 *
 * @param unended how many items have not ended, including those that are not known yet
 */
export function estimateWork(workload: Workload, unended: number): Work | undefined {
  const kinds = Object.values(workload);
  const sum = (of: (kind: Kind) => number) => kinds.reduce((total, kind) => total + of(kind), 0);
  const made = sum((kind) => kind.made);
  if (made === 0) return undefined;
  const mean = sum((kind) => kind.seconds) / made;
  const weight = (kind: Kind) => (kind.made > 0 ? kind.seconds / kind.made : mean);
  const unknown = Math.max(0, unended - sum(({ left }) => left));
  return {
    done: sum((kind) => kind.seconds + kind.failed * weight(kind)),
    left: sum((kind) => kind.left * weight(kind)) + unknown * mean,
    running: sum((kind) => kind.running * weight(kind)),
  };
}
