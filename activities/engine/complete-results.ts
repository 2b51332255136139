import { SamMilError } from '../../domain/errors.js';
import { addItem, zeroCounts, type Counts } from '../../domain/engine/item/counts.js';
import type { ItemResult } from '../../domain/engine/item/item-result.js';
import { resultsPlace } from './results-file.js';
import type { FinishStageInput, ManifestLine } from './stage-messages.js';

const SHOWN = 5;
const COMPARED = ['done', 'cached', 'idle', 'skipped', 'failed'] as const;

/**
 * Refuses results that are not those that the workflow has counted, by number and by key: a stage whose
 * results were lost would pass a shorter list on.
 * @throws SamMilError OutputDamaged naming the items without a result
 */
export function requireComplete(
  input: FinishStageInput,
  lines: readonly ManifestLine[],
  results: readonly ItemResult[],
): void {
  const foreign = results.find(({ index, key }) => lines[index]?.key !== key);
  const found = zeroCounts();
  for (const result of results) addItem(found, result);
  if (foreign === undefined && COMPARED.every((name) => found[name] === input.counts[name])) return;
  const lost = ended(input.counts) - ended(found);
  const what =
    lost > 0
      ? `${lost} of ${ended(input.counts)} results of the stage are missing`
      : 'the results of the stage are not those that it counted';
  throw new SamMilError('OutputDamaged', what, {
    file: resultsPlace(input, input.stage),
    expected: describe(input.counts),
    found: `${describe(found)}${without(lines, results)}`,
    next: 'resume the run: the stage collects its results again, and finished work is kept',
  });
}

/** Items without a result; with `fail-fast`, some of them may not have started. */
function without(lines: readonly ManifestLine[], results: readonly ItemResult[]): string {
  const known = new Set(results.map(({ key }) => key));
  const missing = lines.filter(({ key }) => !known.has(key)).map(({ key }) => key);
  if (missing.length === 0) return '';
  const more = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : '';
  return `; without a result: ${missing.slice(0, SHOWN).join(', ')}${more}`;
}

function ended({ done, skipped, failed }: Counts): number {
  return done + skipped + failed;
}

function describe({ done, skipped, failed }: Counts): string {
  return `${done} done, ${skipped} skipped, ${failed} failed`;
}
