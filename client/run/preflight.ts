import {
  preflight,
  type Fault,
  type Preflight,
  type Progress,
  type Statement,
} from '../../activities/engine/preflight.js';
import type { Registry } from '../../activities/define/registry.js';
import { chooseServer, type ServerChoice } from '../server/connect.js';
import { together } from '../../domain/errors.js';
import type { SelectedPlan } from '../../domain/engine/language/select-stages.js';

/**
 * Checks the inputs of a plan before its run starts, and says what was understood.
 * @param options where the run takes place
 * @param progress of the run, if it continues
 * @throws SamMilError InvalidInput for faults with which the run cannot succeed
 */
export async function checkInputs(
  { plan, items, registry }: SelectedPlan & { registry: Registry },
  options: ServerChoice,
  say: (line: string) => void,
  progress?: Progress,
): Promise<void> {
  const checked = await preflight(registry, plan, items, progress);
  refuseFaults(await settledFaults(checked, options));
  preflightLines(checked).forEach(({ text }) => say(text));
}

/**
 * The faults with which the run cannot succeed. On another server, workers may see files that this machine
 * does not, so that a source that cannot be listed is none.
 */
export async function settledFaults({ faults }: Preflight, server: ServerChoice): Promise<Fault[]> {
  const elsewhere = (await chooseServer(server)).kind !== 'embedded';
  return faults.filter(({ listing }) => !(elsewhere && listing === true));
}

/** One line about the inputs of a plan. */
export interface PreflightLine {
  kind: 'found' | 'warning' | 'unknown';
  text: string;
}

/** What was understood of the inputs, what is doubtful in them and what cannot be known yet. */
export function preflightLines({ found, warnings, unknown }: Preflight): PreflightLine[] {
  const lines = (kind: PreflightLine['kind'], statements: readonly Statement[], label = '') =>
    sharedBy(statements, ({ text }) => text).map(({ first: { text, items }, stages }) => ({
      kind,
      text: `   ${label}${stages.join(', ')}: ${text}${items.length > 0 ? ` (${itemsText(items)})` : ''}`,
    }));
  return [
    ...lines('found', found),
    ...lines('warning', warnings, 'warning: '),
    ...lines('unknown', unknown, 'not checked yet: '),
  ];
}

/** The same for `--json`. */
export function statementsOf({ found, warnings, unknown }: Preflight): Omit<Preflight, 'faults'> {
  return { found, warnings, unknown };
}

/** @throws SamMilError for faults: the only one itself, or one that lists them */
export function refuseFaults(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const located = sharedBy(faults, ({ error }) => error.message).map(({ first: { error, items }, stages }) =>
    error.at(placeText(stages, items)),
  );
  throw together(located, 'faults in the inputs, found before any work');
}

interface Shared<T> {
  first: T;
  stages: string[];
}

/** What several stages have in common, such as two splits of the same labels, is one entry. */
function sharedBy<T extends Omit<Statement, 'text'>>(
  entries: readonly T[],
  textOf: (entry: T) => string,
): Shared<T>[] {
  const shared = new Map<string, Shared<T>>();
  for (const entry of entries) {
    const same = JSON.stringify([textOf(entry), entry.items]);
    const { first, stages } = shared.get(same) ?? { first: entry, stages: [] };
    shared.set(same, { first, stages: [...stages, entry.stage] });
  }
  return [...shared.values()];
}

function placeText(stages: readonly string[], items: readonly string[]): string {
  const names = stages.map((stage) => `\`${stage}\``).join(', ');
  const place = `${stages.length === 1 ? 'stage' : 'stages'} ${names}`;
  return items.length === 0 ? place : `${place} (${itemsText(items)})`;
}

const MOST_ITEMS = 3;

/** `s01, s02, s03 and 397 more items`. */
function itemsText(items: readonly string[]): string {
  const more = items.length > MOST_ITEMS ? ` and ${items.length - MOST_ITEMS} more items` : '';
  return `${items.slice(0, MOST_ITEMS).join(', ')}${more}`;
}
