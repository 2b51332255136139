import { join } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import type { ItemRecord } from '../../domain/job.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import { absenceReason, BY_HAND, EXCLUDED } from '../../domain/engine/item/item-result.js';
import {
  buildContext,
  withCells,
  type NeedsContext,
} from '../../domain/engine/language/plan/step-context.js';
import type { Context } from '../../domain/engine/language/expressions/evaluate.js';
import { evaluateTemplate, mapTexts } from '../../domain/engine/language/expressions/template.js';
import { escapeGlob } from '../../domain/engine/language/glob-text.js';
import { executionFolder, keyProblem } from '../../domain/engine/store/paths.js';
import { readItems } from '../../domain/engine/store/items-digest.js';
import { keyOf, type SourceItem } from './item-sources.js';
import { writeLines } from './lines-file.js';
import { needsReferences } from './needs-references.js';
import { readSource } from './read-source.js';
import { MANIFEST, withVanished } from './vanished-items.js';
import { hasCells, readPlan, stageOf } from '../step/plan-file.js';
import type { ListedItems, ListItemsInput, Manifest, ManifestLine } from './stage-messages.js';

/**
 * Lists the items of a stage into a manifest file, sorted by key. Refuses what would fail later: keys that
 * repeat or cannot name a file, missing files, an empty source.
 */
export async function listItems(input: ListItemsInput): Promise<ListedItems> {
  const plan = await readPlan(input.plan);
  const stages = input.stages.map((name) => stageOf(plan, name));
  const cells = await readCells(stages, input.needs, input.work);
  const needs = withCells(input.needs, cells);
  const found = await listLines(plan, stages[0], needs, input.work);
  const { kind } = stages[0].source;
  const lines = kind === 'glob' || kind === 'dir' ? await withVanished(found, input) : found;
  const manifest = await writeManifest(input, selected(lines, input));
  const folders = stages.map((stage) => hasCells(plan, stage));
  return { stages: stages.map(withoutCells), base: plan.base, manifest, folders, cells };
}

/** Returns the manifest lines of a stage, sorted by key. Also used by `plan`, which has no run. */
export async function listLines(
  plan: Plan,
  stage: StagePlan,
  needs: NeedsContext,
  work: string,
): Promise<ManifestLine[]> {
  const { source } = stage;
  switch (source.kind) {
    case 'single':
      return [{ key: stage.name, fields: {} }];
    case 'matrix':
      return sorted(source.cells.map(({ key, values }) => ({ key, fields: values })));
    case 'from':
      return (await readRecords(needs, source.stage, work)).map((record) => followLine(record, source.stage));
    default: {
      const context = buildContext({ ...stage, source: { kind: 'single' } }, needs, {
        key: '',
        fields: {},
        steps: {},
      });
      const known = source.kind === 'glob' ? (mapTexts(context, escapeGlob) as Context) : context;
      const value = evaluateTemplate(source.value, known);
      const exclude = evaluateTemplate(source.exclude ?? null, context);
      const items = await readSource(source, value, plan.base, work, exclude);
      return keyed(items, source.keyField);
    }
  }
}

/** An item whose predecessor did not succeed is passed on as skipped, so that its absence is explained. */
export function followLine(record: ItemRecord, stage: string): ManifestLine {
  const { key, fields, status, outputs } = record;
  if (status === 'done') return { key, fields, prior: outputs };
  return { key, fields, skip: absenceReason(stage, record) };
}

async function readRecords(needs: NeedsContext, stage: string, work: string): Promise<readonly ItemRecord[]> {
  const ref = needs[stage]?.items;
  if (!ref) {
    throw new SamMilError('InvalidInput', `stage \`${stage}\` was skipped and has no items to continue with`);
  }
  return readItems(work, ref);
}

/** Assigns each item its key and checks them all. The error lists every invalid key. */
function keyed(items: SourceItem[], keyField: string | undefined): ManifestLine[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  const lines = items.map((item) => {
    const { fields, place, excluded } = item;
    const key = keyOf(item, keyField);
    const first = seen.get(key);
    const problem = keyProblem(key);
    if (problem !== undefined) problems.push(`${place}: key \`${key}\`: ${problem}`);
    else if (first !== undefined) problems.push(`${place}: key \`${key}\` is also that of ${first}`);
    seen.set(key, place);
    return { key, fields, ...(excluded !== undefined && { skip: `${EXCLUDED}${excluded}` }) };
  });
  if (problems.length === 0) return sorted(lines);
  throw new SamMilError('InvalidInput', `${problems.length} item keys cannot be used`, {
    found: `${problems.slice(0, 10).join('\n')}${problems.length > 10 ? '\n...' : ''}`,
    next: 'a key names files: give each item a simple, unique key (`key:` selects the field it is taken from)',
  });
}

function sorted<T extends { key: string }>(lines: T[]): T[] {
  return lines.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function selected(lines: ManifestLine[], { only, leaveOut = [] }: ListItemsInput): ManifestLine[] {
  const unknown = only?.filter((key) => !lines.some((line) => line.key === key)) ?? [];
  if (unknown.length > 0) {
    throw new SamMilError('InvalidInput', `there is no item \`${unknown.join('`, `')}\``, {
      expected: `one of ${lines
        .slice(0, 20)
        .map(({ key }) => key)
        .join(', ')}${lines.length > 20 ? ', ...' : ''}`,
    });
  }
  const requested = only ? lines.filter(({ key }) => only.includes(key)) : lines;
  return requested.map((line) => (leaveOut.includes(line.key) ? { ...line, skip: BY_HAND } : line));
}

async function writeManifest(input: ListItemsInput, lines: ManifestLine[]): Promise<Manifest> {
  const { work, run, stages, execution } = input;
  const path = join(executionFolder(work, run, stages[0], execution), MANIFEST);
  return { file: await writeLines(work, path, lines), count: lines.length };
}

/**
 * Cells larger than this in bytes cannot be looked up by a computed key, which would require sending all of
 * them.
 */
const LARGEST_CELLS = 128 * 1024;

/**
 * Returns the outputs of the cells that the stages refer to: those with literal keys, or all if a key is
 * computed.
 */
export async function readCells(
  stages: StagePlan[],
  needs: NeedsContext,
  work: string,
): Promise<Record<string, JsonObject>> {
  const requested = new Map<string, Set<string> | 'all'>();
  for (const [name, member, key] of stages.flatMap(needsReferences)) {
    if (typeof name !== 'string' || member !== 'cells') continue;
    const keys = requested.get(name) ?? new Set<string>();
    if (keys !== 'all' && typeof key === 'string') requested.set(name, keys.add(key));
    else requested.set(name, 'all');
  }
  const cells: Record<string, JsonObject> = {};
  for (const [name, keys] of requested) {
    const records = (await readRecords(needs, name, work)).filter(({ status }) => status === 'done');
    const chosen = keys === 'all' ? records : records.filter(({ key }) => keys.has(key));
    cells[name] = Object.fromEntries(chosen.map(({ key, outputs }) => [key, outputs as Json]));
  }
  const bytes = Buffer.byteLength(JSON.stringify(cells));
  if (bytes <= LARGEST_CELLS) return cells;
  throw new SamMilError(
    'OutputTooLarge',
    `the cells of ${[...requested.keys()].join(', ')} are too many to look up by key`,
    {
      expected: `at most ${LARGEST_CELLS} bytes`,
      found: `${bytes} bytes`,
      next: 'write the key literally, or take the items with `foreach: { from: ... }` or `matrix: { from: ... }`',
    },
  );
}

/** Cells and listed values are in the manifest; the workflow keeps only what it interprets. */
function withoutCells(stage: StagePlan): StagePlan {
  const { source } = stage;
  if (source.kind === 'matrix') return { ...stage, source: { kind: 'matrix', cells: [] } };
  if (source.kind === 'list') return { ...stage, source: { ...source, value: [] } };
  return stage;
}
