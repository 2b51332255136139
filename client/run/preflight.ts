import { preflight, type Fault, type Preflight, type Statement } from '../../activities/engine/preflight.js';
import type { Registry } from '../../activities/define/registry.js';
import { chooseServer, type ServerChoice } from '../server/connect.js';
import { errorLines, SamMilError } from '../../domain/errors.js';
import type { SelectedPlan } from '../../domain/engine/language/select-stages.js';

/**
 * Checks the inputs of a plan before its run starts, and says what was understood.
 * @param options where the run takes place: on another server, workers may see other files than this machine,
 *   so that a source without files here is no fault
 * @throws SamMilError InvalidInput for faults with which the run cannot succeed
 */
export async function checkInputs(
  { plan, items, registry }: SelectedPlan & { registry: Registry },
  options: ServerChoice,
  say: (line: string) => void,
): Promise<void> {
  const checked = await preflight(registry, plan, items);
  const elsewhere = (await chooseServer(options)).kind !== 'embedded';
  refuseFaults(checked, ({ listing }) => !(elsewhere && listing === true));
  preflightLines(checked).forEach(({ text }) => say(text));
}

/** One line about the inputs of a plan. */
export interface PreflightLine {
  kind: 'found' | 'warning' | 'unknown';
  text: string;
}

/** What was understood of the inputs, what is doubtful in them and what cannot be known yet. */
export function preflightLines({ found, warnings, unknown }: Preflight): PreflightLine[] {
  const lines = (kind: PreflightLine['kind'], statements: readonly Statement[], label = '') =>
    statements.map(({ stage, text, items }) => ({
      kind,
      text: `   ${label}${stage}: ${text}${items.length > 0 ? ` (${itemsText(items)})` : ''}`,
    }));
  return [
    ...lines('found', found),
    ...lines('warning', warnings, 'warning: '),
    ...lines('unknown', unknown, 'not known yet: '),
  ];
}

/** The same for `--json`. */
export function statementsOf({ found, warnings, unknown }: Preflight): Omit<Preflight, 'faults'> {
  return { found, warnings, unknown };
}

const MOST_FAULTS = 10;

/** @throws SamMilError for the faults that count: the only one itself, or one that lists them */
export function refuseFaults({ faults }: Preflight, counts: (fault: Fault) => boolean): void {
  const counted = faults.filter(counts);
  if (counted.length === 0) return;
  const [first] = counted;
  if (counted.length === 1) throw first.error.at(placeText(first));
  const shown = counted
    .slice(0, MOST_FAULTS)
    .flatMap((fault) => errorLines(fault.error.at(placeText(fault))));
  const more = counted.length > MOST_FAULTS ? [`and ${counted.length - MOST_FAULTS} more`] : [];
  throw new SamMilError('InvalidInput', `${counted.length} faults in the inputs, found before any work`, {
    found: [...shown, ...more].join('\n'),
  });
}

function placeText({ stage, items }: Fault): string {
  return items.length === 0 ? `stage \`${stage}\`` : `stage \`${stage}\` (${itemsText(items)})`;
}

const MOST_ITEMS = 3;

/** `s01, s02, s03 and 397 more items`. */
function itemsText(items: readonly string[]): string {
  const more = items.length > MOST_ITEMS ? ` and ${items.length - MOST_ITEMS} more items` : '';
  return `${items.slice(0, MOST_ITEMS).join(', ')}${more}`;
}
