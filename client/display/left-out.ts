import { EXCLUDED } from '../../domain/engine/item/item-result.js';
import type { LeftOutItem } from '../run/left-out.js';
import type { StageStatus } from '../../workflows/messages.js';
import type { Palette } from './render-status.js';
import { oneLine } from './render-text.js';

const KEYS_SHOWN = 5;
const LINES_SHOWN = 20;

/**
 * Renders skipped items, and those failed ones that the stage's status does not name, with a line per reason.
 */
export function renderLeftOut(
  items: readonly LeftOutItem[],
  stages: readonly StageStatus[],
  palette: Palette,
): string[] {
  const named = new Set(
    stages.flatMap(({ failures }) => failures.map(({ stage, key }) => `${stage}@${key}`)),
  );
  const groups = new Map<string, LeftOutItem[]>();
  for (const item of items) {
    if (item.status === 'failed' && named.has(`${item.stage}@${item.key}`)) continue;
    // A file of exclusions applies to each stage that lists the slides.
    const excluded = item.reason.startsWith(EXCLUDED);
    const group = JSON.stringify([excluded ? '' : item.stage, item.status, item.reason]);
    const same = groups.get(group) ?? [];
    if (!(excluded && same.some(({ key }) => key === item.key))) groups.set(group, [...same, item]);
  }
  const lines = [...groups.values()].map((same) => lineOf(same, palette));
  const more = lines.length - LINES_SHOWN;
  return more > 0
    ? [...lines.slice(0, LINES_SHOWN), palette.dim(`   and ${more} more reasons; see the report`)]
    : lines;
}

function lineOf(items: readonly LeftOutItem[], palette: Palette): string {
  const [{ stage, status, reason }] = items;
  const keys = items.slice(0, KEYS_SHOWN).map(({ key }) => key);
  const more = items.length - keys.length;
  const who = `${keys.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  if (reason.startsWith(EXCLUDED)) return ` ${palette.yellow('-')} ${who}  ${oneLine(reason)}`;
  const color = status === 'failed' ? palette.red : palette.yellow;
  return ` ${color(status === 'failed' ? '✘' : '-')} ${stage}@${who}  ${status}: ${oneLine(reason)}`;
}
