import { SamMilError, type WireError } from '../domain/errors.js';
import { asSamMilError, encodeError } from '../domain/machine/threads/wire-error.js';
import { evaluateCondition } from '../domain/engine/language/expressions/evaluate.js';
import { pickCounts, zeroCounts } from '../domain/engine/item/counts.js';
import { newTally } from '../domain/engine/item/tally.js';
import type { ItemsRef } from '../domain/job.js';
import type { Json } from '../domain/json.js';
import type { NeedsContext } from '../domain/engine/language/plan/step-context.js';
import type {
  DamagedStage,
  EndedStage,
  PlanSummary,
  StageSummary,
} from '../activities/engine/stage-messages.js';
import { reasonText } from './stage-tally.js';
import type { RunState, StageOutcome, StageState, StageStatus, StageStatuses } from './messages.js';
import { WaitingTime, type Waited } from './waiting-time.js';

interface Entry {
  plan: StageSummary;
  status: StageStatus;
  outcome?: StageOutcome;
  leaveOut: string[];
  /** The user continues with what the stage has. */
  accepted: boolean;
}

/**
 * The state of a run, independent of Temporal: which stages may start, what their end means for the others,
 * and what the user's requests change. `now` is workflow time in milliseconds.
 */
export class RunBook {
  readonly plan: PlanSummary;
  readonly maxParallel: Record<string, number> = {};
  paused = false;
  cancelled = false;
  /**
   * Why the outputs of ended stages must be compared with their receipts before the run continues: the user
   * retries a stage, whose inputs may be damaged, or the run would end as done.
   */
  private due: 'retry' | 'end' | undefined = 'end';
  private readonly waiting = new WaitingTime();
  private readonly entries: Entry[];
  private readonly chosen: readonly string[];

  /** @param chosen stages that run for only some of their items */
  constructor(plan: PlanSummary, chosen: readonly string[] = []) {
    this.plan = plan;
    this.chosen = chosen;
    this.entries = plan.stages.map((stage) => ({
      plan: stage,
      status: { name: stage.name, needs: stage.needs, state: 'waiting', ...zeroCounts(), failures: [] },
      leaveOut: [],
      accepted: false,
    }));
  }

  /**
   * Returns the chains that may start now, each a stage and those that can follow it item by item. Settles
   * stages that their `if` excludes.
   */
  startable(now: number): string[][] {
    this.settleExcluded(now);
    if (this.paused || this.cancelled) return [];
    const chains: string[][] = [];
    for (const entry of this.entries) {
      if (!this.isReady(entry) || chains.some((chain) => chain.includes(entry.plan.name))) continue;
      chains.push(this.chainFrom(entry));
    }
    return chains;
  }

  started(chain: string[], workflowId: string, now: number): void {
    for (const name of chain) {
      const { status } = this.entry(name);
      Object.assign(status, zeroCounts(), { state: 'running', startedAt: now, workflowId, failures: [] });
      delete status.reason;
      delete status.error;
      delete status.endedAt;
      delete status.waitedMs;
      delete status.work;
    }
  }

  progressed(statuses: StageStatuses): void {
    for (const progress of statuses) {
      const { status } = this.entry(progress.name);
      if (status.state !== 'running') continue;
      const { failures, work } = progress;
      Object.assign(status, pickCounts(progress), { failures, work });
    }
  }

  /** A stage whose predecessor in the chain failed waits again: its own outcome depends on that stage. */
  ended(outcomes: StageOutcome[], now: number): void {
    let waits = false;
    for (const outcome of outcomes) {
      if (waits) this.backToWaiting(this.entry(outcome.name));
      else this.settle(outcome, now);
      waits ||= outcome.state === 'failed';
    }
  }

  /** Records a stopped chain; its stages keep their progress. */
  stopped(chain: string[], now: number): void {
    for (const name of chain) {
      const { status } = this.entry(name);
      Object.assign(status, { state: 'cancelled', running: 0, endedAt: now });
    }
  }

  /** Whether nothing will start or change without a request from the user. */
  get settled(): boolean {
    return this.entries.every(({ status }) => status.state !== 'running') && !this.anyReady();
  }

  /** Whether every stage has ended. */
  get over(): boolean {
    return this.entries.every(({ status }) => isEnd(status.state));
  }

  get state(): Exclude<RunState, 'replaced'> {
    if (this.cancelled) return 'cancelled';
    if (this.over) return this.in('failed').length > 0 ? 'failed' : 'done';
    if (this.paused) return 'paused';
    return this.in('held').length > 0 && this.settled ? 'held' : 'running';
  }

  /** Returns how long the run has waited for the user. Call it after each change. */
  waitingTime(now: number): Waited {
    const waits = this.state === 'paused' || this.state === 'held';
    return this.waiting.see(waits, this.statuses, now);
  }

  get statuses(): StageStatuses {
    return this.entries.map(({ status }) => status);
  }

  in(state: StageState): string[] {
    return this.entries.filter(({ status }) => status.state === state).map(({ plan }) => plan.name);
  }

  /** The held stages that a name means: the stage itself, or the held cells of a stage of the file. */
  heldAs(name: string): string[] {
    const held = this.entries.filter(({ status }) => status.state === 'held').map(({ plan }) => plan);
    const meant = held.filter((plan) => plan.name === name);
    return (meant.length > 0 ? meant : held.filter(({ of }) => of === name)).map((plan) => plan.name);
  }

  has(stage: string): boolean {
    return this.entries.some(({ plan }) => plan.name === stage);
  }

  leaveOut(stage: string): string[] {
    return this.entry(stage).leaveOut;
  }

  /** Returns what the expressions of a chain see of the stages outside it. */
  needsOf(chain: string[]): NeedsContext {
    const names = new Set(chain.flatMap((name) => this.entry(name).plan.needs));
    const outside = [...names].filter((name) => !chain.includes(name));
    return Object.fromEntries(outside.map((name) => [name, this.needOf(name)] as const));
  }

  itemFiles(): Record<string, ItemsRef> {
    const files = this.entries.flatMap(({ plan, outcome }) => {
      return outcome?.items ? [[plan.name, outcome.items] as const] : [];
    });
    return Object.fromEntries(files);
  }

  /** Restarts held stages, after a check of what they need: see {@link toCheck}. */
  retry(stages: string[]): void {
    for (const name of stages) this.backToWaiting(this.entry(name));
    if (stages.length > 0) this.due = 'retry';
  }

  /** The ended stages whose outputs must be checked now; undefined if none. */
  get toCheck(): EndedStage[] | undefined {
    const last = this.over && this.state === 'done';
    if (this.due === undefined || (this.due === 'end' && !last)) return undefined;
    return this.entries.flatMap(({ plan, status, outcome, accepted }) => {
      const { items, receipts } = outcome ?? {};
      // At the end, the user has already decided about an accepted stage.
      if (status.state !== 'done' || !items || !receipts || (last && accepted)) return [];
      return [{ stage: plan.name, items, receipts }];
    });
  }

  /**
   * Takes the result of a check. Before a retry, damaged stages and all ended stages after them run again;
   * their receipts keep what is intact. At the end, damaged stages count as failed.
   */
  checked(damaged: readonly DamagedStage[], now: number): void {
    const last = this.over;
    this.due = last ? undefined : 'end';
    if (!last) return this.remake(damaged.map(({ stage }) => stage));
    for (const found of damaged) this.failDamaged(found, now);
  }

  /** At the end, outputs that could not be checked are not called done. */
  uncheckable(error: WireError, now: number): void {
    const checked = this.toCheck ?? [];
    const last = this.over;
    this.due = last ? undefined : 'end';
    const stage = checked.at(-1)?.stage;
    if (last && stage !== undefined) this.fail(this.entry(stage), error, now);
  }

  private remake(damaged: readonly string[]): void {
    const again = new Set(damaged);
    for (const entry of this.entries) {
      const { name, needs } = entry.plan;
      if (!again.has(name) && !needs.some((need) => again.has(need))) continue;
      again.add(name);
      if (isEnd(entry.status.state)) this.backToWaiting(entry);
    }
  }

  private failDamaged({ stage, items, files }: DamagedStage, now: number): void {
    const error = encodeError(
      new SamMilError('OutputDamaged', 'outputs were changed or deleted after they were made', {
        found: `${files.join(', ')}${items > files.length ? `, and ${items - files.length} more` : ''}`,
        next: 'resume the run: they are made again',
      }),
    );
    this.fail(this.entry(stage), error, now);
  }

  private fail({ status }: Entry, error: WireError, now: number): void {
    const state = this.plan.onFailure === 'hold' ? 'held' : 'failed';
    Object.assign(status, { state, endedAt: now, error });
  }

  /** Accepts a held stage with the items it has, or retries it without one of them. */
  skip(stage: string, item: string | undefined, now: number): void {
    const entry = this.entry(stage);
    if (item !== undefined) {
      entry.leaveOut.push(item);
      this.retry([stage]);
      return;
    }
    entry.accepted = true;
    accept(entry.status, now);
  }

  private settle(outcome: StageOutcome, now: number): void {
    const entry = this.entry(outcome.name);
    entry.outcome = outcome;
    const failed = outcome.state === 'failed';
    const state: StageState = failed && this.plan.onFailure === 'hold' ? 'held' : outcome.state;
    const { counts, failures, reason, error } = outcome;
    Object.assign(entry.status, counts, { state, endedAt: now, failures });
    delete entry.status.work;
    if (reason !== undefined) entry.status.reason = reason;
    if (error !== undefined) entry.status.error = error;
    if (failed && entry.accepted) accept(entry.status, now);
  }

  private backToWaiting(entry: Entry): void {
    const { name, needs } = entry.plan;
    entry.status = { name, needs, state: 'waiting', ...zeroCounts(), failures: [] };
    delete entry.outcome;
  }

  private isReady(entry: Entry): boolean {
    return (
      entry.status.state === 'waiting' &&
      entry.plan.needs.every((need) => isEnd(this.entry(need).status.state))
    );
  }

  private anyReady(): boolean {
    return !this.paused && !this.cancelled && this.entries.some((entry) => this.isReady(entry));
  }

  /** One pass is enough, because stages come after the stages they need. */
  private settleExcluded(now: number): void {
    for (const entry of this.entries) {
      if (!this.isReady(entry)) continue;
      const reason = this.exclusionOf(entry);
      if (!reason) continue;
      this.settle({ name: entry.plan.name, ...newTally(), ...reason }, now);
    }
  }

  /** Returns how a stage that must not run ends, and why; undefined if it runs. */
  private exclusionOf({ plan }: Entry): Pick<StageOutcome, 'state' | 'reason' | 'error'> | undefined {
    const failed = plan.needs.filter((need) => this.entry(need).status.state === 'failed');
    const notDone = plan.needs.filter((need) => this.entry(need).status.state !== 'done');
    const elsewhere = this.plan.onFailure === 'fail' ? this.in('failed') : [];
    const status = {
      success: notDone.length === 0 && elsewhere.length === 0,
      failure: failed.length > 0 || elsewhere.length > 0,
    };
    try {
      const needs = this.needsOf([plan.name]) as unknown as Json;
      if (evaluateCondition(plan.if, { needs }, status)) return undefined;
    } catch (error) {
      const placed = asSamMilError(error).at('its `if` cannot be evaluated');
      return { state: 'failed', error: encodeError(placed) };
    }
    const skipped = (reason: string) => ({ state: 'skipped', reason }) as const;
    if (notDone.length > 0) return skipped(`${notDone.join(', ')} did not succeed`);
    return skipped(elsewhere.length > 0 ? `${elsewhere[0]} failed` : 'its `if` is false');
  }

  /**
   * Returns the stages that take the items of `entry` as they end, if everything else that they need has
   * succeeded.
   */
  private chainFrom(entry: Entry): string[] {
    const chain = [entry.plan.name];
    for (;;) {
      const last = chain[chain.length - 1];
      const next = this.entries.find(({ plan, status }) => {
        if (plan.follows !== last || status.state !== 'waiting' || this.chosen.includes(plan.name))
          return false;
        return plan.needs.every((need) => need === last || this.entry(need).status.state === 'done');
      });
      if (!next) return chain;
      chain.push(next.plan.name);
    }
  }

  private needOf(name: string): NeedsContext[string] {
    const { status, outcome } = this.entry(name);
    const result = { done: 'success', skipped: 'skipped' }[status.state as string] ?? 'failure';
    return { result, items: outcome?.items, outputs: outcome?.outputs };
  }

  private entry(name: string): Entry {
    const found = this.entries.find(({ plan }) => plan.name === name);
    if (found) return found;
    throw new SamMilError('InvalidInput', `the run has no stage \`${name}\``, {
      expected: this.entries.map(({ plan }) => plan.name).join(', '),
    });
  }
}

/** A failed stage counts as done, with the items it has. */
function accept(status: StageStatus, now: number): void {
  const reason = `accepted by hand: ${reasonText(status) ?? ''}`;
  Object.assign(status, { state: 'done', endedAt: now, reason });
  delete status.error;
}

function isEnd(state: StageState): boolean {
  return state === 'done' || state === 'failed' || state === 'skipped' || state === 'cancelled';
}
