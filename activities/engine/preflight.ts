import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { canonicalJson, type JsonObject } from '../../domain/json.js';
import { namedFiles } from '../../domain/engine/language/check/check-files.js';
import { schemaFaults } from '../../domain/engine/language/check/schema-faults.js';
import { foldTemplate } from '../../domain/engine/language/expressions/analysis.js';
import type { Plan, StagePlan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import type { ItemToCheck, ListedItem, ProducingStep, StepFindings } from '../define/check-step.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import type { Registry } from '../define/registry.js';
import { isOpen, knownCondition, knownRoots, knownStep, type KnownStep } from './known-step.js';
import { listLines } from './list-items.js';
import type { ManifestLine } from './stage-messages.js';

/** What can be said of a plan before any work. */
export interface Preflight {
  /** What its inputs contain, by stage. */
  found: Statement[];
  warnings: Statement[];
  /** What depends on results that do not exist yet. */
  unknown: Statement[];
  /** Why the run would fail. */
  faults: Fault[];
}

export interface Statement {
  stage: string;
  text: string;
  /** Keys of the items that it is about; empty: all of the stage. */
  items: string[];
}

export interface Fault extends Omit<Statement, 'text'> {
  error: SamMilError;
  /** The items of the stage cannot be listed. */
  listing?: true;
}

/** What a run that continues has behind it. */
export interface Progress {
  /** Stages whose work is done: their items are listed, for the stages that need them, but not checked. */
  finished: ReadonlySet<string>;
  /** Stages whose items the run has listed: their source is not read again. */
  listed: ReadonlySet<string>;
  /** Items that need no check, by stage and key; with a reason if the run continues without them. */
  settled: ReadonlyMap<string, ReadonlyMap<string, string | undefined>>;
}

/**
 * Checks a plan as far as it can be known before the run: lists the items of every stage whose source exists
 * already, evaluates the parameters of each item, looks for the files and weights that they name, and calls
 * `check` of the activities. Starts nothing and writes nothing.
 * @param items keys of the requested items, by stage
 * @param progress of the run, if it continues
 */
export async function preflight(
  registry: Registry,
  plan: Plan,
  items: Readonly<Record<string, readonly string[]>> = {},
  progress?: Progress,
): Promise<Preflight> {
  const walk = new PreflightWalk(registry, plan, progress);
  for (const stage of plan.stages) await walk.stage(stage, items[stage.name]);
  return walk.result();
}

class PreflightWalk {
  private readonly registry: Registry;
  private readonly plan: Plan;
  private readonly progress: Progress | undefined;
  private readonly lines = new Map<string, ManifestLine[]>();
  private readonly statements = { found: new Grouped(), warnings: new Grouped(), unknown: new Grouped() };
  private readonly faults = new Map<string, Fault>();
  /** Parameters and files that were checked already: most items of a stage differ only in a few. */
  private readonly checked = new Map<string, Promise<void>>();
  private readonly present = new Map<string, boolean>();
  /** What is known of a step for each item, by stage and step. */
  private readonly items = new Map<string, ItemToCheck[]>();

  constructor(registry: Registry, plan: Plan, progress?: Progress) {
    this.registry = registry;
    this.plan = plan;
    this.progress = progress;
  }

  result(): Preflight {
    const { found, warnings, unknown } = this.statements;
    return {
      found: found.all(),
      warnings: warnings.all(),
      unknown: unknown.all(),
      faults: [...this.faults.values()],
    };
  }

  async stage(stage: StagePlan, requested: readonly string[] | undefined): Promise<void> {
    const found = await this.list(stage).catch((error: unknown) => {
      if (this.progress?.listed.has(stage.name) !== true) this.fault(stage, undefined, error, true);
      return undefined;
    });
    if (found === undefined) return;
    const settled = this.progress?.settled.get(stage.name);
    const lines = settled === undefined ? found : found.map((line) => withReason(line, settled));
    this.lines.set(stage.name, lines);
    if (stage.reuse === true || this.progress?.finished.has(stage.name) === true) return;
    const chosen = lines.filter(
      ({ key }) => requested?.includes(key) !== false && settled?.has(key) !== true,
    );
    for (const line of chosen) if (line.skip === undefined) await this.item(stage, line);
    await this.together(stage, chosen.length === lines.length);
  }

  /** Checks of the steps of a stage that need all items. */
  private async together(stage: StagePlan, all: boolean): Promise<void> {
    for (const { id, uses } of stage.steps) {
      const items = this.items.get(`${stage.name} ${id}`) ?? [];
      const definition = this.registry.get(uses);
      if (definition?.checkItems === undefined || items.length === 0) continue;
      try {
        const { faults = [], ...findings } = await definition.checkItems(items, all);
        this.state(stage, findings);
        for (const { keys, error } of faults) for (const key of keys) this.fault(stage, key, error);
      } catch (error) {
        this.fault(stage, undefined, error);
      }
    }
  }

  /** Undefined if the source depends on results. */
  private async list(stage: StagePlan): Promise<ManifestLine[] | undefined> {
    const { source } = stage;
    if (source.kind === 'from') return this.lines.get(source.stage);
    if ('value' in source && isOpen(source.value)) return undefined;
    return listLines(this.plan, stage, {}, this.plan.work);
  }

  private async item(stage: StagePlan, line: ManifestLine): Promise<void> {
    const known = knownRoots(stage, line);
    try {
      if (knownCondition(stage.if, known) === false) return;
      const earlier = new Map<string, ProducingStep>();
      for (const step of stage.steps) {
        // A step whose `if` depends on results may not run at all.
        if (knownCondition(step.if, known) !== true) continue;
        const found = await this.step(stage, step, line, { known, earlier });
        if (found !== undefined) earlier.set(step.id, { uses: step.uses, with: found.with });
      }
      if (stage.outputs) foldTemplate(stage.outputs, known);
    } catch (error) {
      this.fault(stage, line.key, error);
    }
  }

  private async step(
    stage: StagePlan,
    step: StepPlan,
    { key }: ManifestLine,
    { known, earlier }: { known: JsonObject; earlier: ReadonlyMap<string, ProducingStep> },
  ): Promise<KnownStep | undefined> {
    const definition = this.registry.get(step.uses);
    if (definition === undefined) return undefined;
    const itemsOf = (name: string) => this.lines.get(name)?.map(listedItem);
    const found = knownStep(definition, step, known, { base: this.plan.base, itemsOf, earlier });
    this.values(definition, found);
    this.missing(stage, key, definition, found);
    if (definition.checkItems !== undefined) {
      const place = `${stage.name} ${step.id}`;
      const items = this.items.get(place) ?? [];
      items.push({ key, step: found });
      this.items.set(place, items);
    }
    if (definition.check === undefined) return found;
    const { with: values, items, unknown, producers } = found;
    const same = canonicalJson({
      uses: step.uses,
      values,
      items,
      unknown: [...unknown],
      producers,
    });
    const before = this.checked.get(same);
    const check = before ?? this.check(stage, definition, found);
    this.checked.set(same, check);
    await check;
    return found;
  }

  private async check(stage: StagePlan, definition: ActivityDefinition, step: KnownStep): Promise<void> {
    this.state(stage, (await definition.check?.(step)) ?? {});
  }

  private state(stage: StagePlan, { found = [], warnings = [], unknown = [] }: StepFindings): void {
    for (const text of found) this.statements.found.add(stage.name, text);
    for (const text of warnings) this.statements.warnings.add(stage.name, text);
    for (const text of unknown) this.statements.unknown.add(stage.name, text);
  }

  /** @throws SamMilError InvalidInput for a value that the parameter does not accept */
  private values(definition: ActivityDefinition, { given }: KnownStep): void {
    for (const [name, value] of Object.entries(given)) {
      const schema = definition.with[name];
      const [fault] = schema === undefined ? [] : schemaFaults(schema, value);
      if (fault === undefined) continue;
      const place = [name, ...fault.path].join('.');
      throw new SamMilError('InvalidInput', `\`${place}\` of ${definition.name} ${fault.what}`, {
        next: fault.hint,
      });
    }
  }

  /** Reports files and weights that do not exist. Another machine may have the weights. */
  private missing(
    stage: StagePlan,
    key: string,
    definition: ActivityDefinition,
    { given, varying }: KnownStep,
  ): void {
    const { base } = this.plan;
    const names = new Set(Object.keys(given));
    for (const [name, value] of Object.entries(given)) {
      const schema = definition.with[name];
      if (schema === undefined) continue;
      for (const { file } of namedFiles(schema, value)) {
        const path = resolve(base, file);
        if (!this.exists(path)) {
          throw new SamMilError('InvalidInput', `\`${name}\`: the file or folder does not exist`, {
            file: path,
          });
        }
      }
      const lack =
        typeof value === 'string' && varying.has(name)
          ? definition.findMissing?.(name, value, { base, given: names })
          : undefined;
      if (lack?.wrong) throw new SamMilError('InvalidInput', lack.what, { next: lack.next });
      if (lack !== undefined) this.statements.warnings.add(stage.name, lack.what, key);
    }
  }

  private exists(path: string): boolean {
    const known = this.present.get(path) ?? existsSync(path);
    this.present.set(path, known);
    return known;
  }

  /** Items with the same fault are one entry. */
  private fault(stage: StagePlan, key: string | undefined, thrown: unknown, listing?: true): void {
    if (!(thrown instanceof SamMilError)) throw thrown;
    const same = `${stage.name} ${thrown.message}`;
    const fault = this.faults.get(same) ?? {
      stage: stage.name,
      error: thrown,
      items: [],
      ...(listing && { listing }),
    };
    if (key !== undefined && stage.source.kind !== 'single') fault.items.push(key);
    this.faults.set(same, fault);
  }
}

/** Marks an item that the run continues without, so that the stages after it do not count it. */
function withReason(line: ManifestLine, settled: ReadonlyMap<string, string | undefined>): ManifestLine {
  const skip = settled.get(line.key);
  return skip === undefined ? line : { ...line, skip };
}

function listedItem({ key, skip, fields: { path } }: ManifestLine): ListedItem {
  return { key, skip, ...(typeof path === 'string' && { path }) };
}

/** Statements, equal ones together. */
class Grouped {
  private readonly byText = new Map<string, Statement>();

  add(stage: string, text: string, key?: string): void {
    const statement = this.byText.get(`${stage} ${text}`) ?? { stage, text, items: [] };
    if (key !== undefined && key !== stage) statement.items.push(key);
    this.byText.set(`${stage} ${text}`, statement);
  }

  all(): Statement[] {
    return [...this.byText.values()];
  }
}
