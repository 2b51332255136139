import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { ChainScope, EngineActivities, TodoItem } from '../activities/engine/stage-messages.js';
import { addCounts, countEnded } from '../domain/engine/item/counts.js';
import { absenceReason, skippedItem, type ItemResult } from '../domain/engine/item/item-result.js';
import { itemInput } from '../domain/engine/item/step-input.js';
import { addToTally, type Tally } from '../domain/engine/item/tally.js';
import {
  endItem,
  estimateWork,
  expectItem,
  startItem,
  stopItem,
  type Work,
  type Workload,
} from '../domain/engine/item/workload.js';
import type { StagePlan } from '../domain/engine/language/plan/plan.js';
import { withCells, type NeedsContext } from '../domain/engine/language/plan/step-context.js';
import { callStep, engineActivities } from './call-activity.js';
import {
  engineQueue,
  stepQueue,
  type StageControl,
  type StageOutcome,
  type StageState,
  type StageStatuses,
} from './messages.js';
import { ResultRecorder } from './result-recorder.js';
import { runItem, type ItemRun, type RanItem } from './run-item.js';
import type { ChainState, StageInput } from './stage-input.js';
import { stageFailure } from './stage-tally.js';
import { Window } from './window.js';

const PAGE = 200;
const MAX_EVENTS = 6000;
const FOLDER_PATIENCE_MS = 10_000;

/** Runs a chain of stages over its items: the scheduler that connects window, pages, steps and records. */
export class ChainRun {
  private readonly input: StageInput;
  private readonly carried: ChainState;
  private readonly report: (statuses: StageStatuses) => void;
  private readonly acts: EngineActivities;
  private readonly scope: ChainScope;
  private readonly stages: StagePlan[];
  private readonly needs: NeedsContext;
  private readonly window: Window<TodoItem>;
  private readonly recorder: ResultRecorder;
  private readonly tallies: Tally[];
  /** By position. */
  private readonly workloads: Workload[];
  /** By position: cancelled by fail-fast, and with the workflow. */
  private readonly itemScopes: CancellationScope[];
  private cursor: number;
  private checking = false;
  /**
   * Whether this execution has made progress. Without progress it must not continue as new, which would loop
   * forever.
   */
  private moved = false;
  private trouble: Error | undefined;
  /** Increases with every event; the scheduler waits for it. */
  private ticks = 0;

  constructor(
    input: StageInput,
    carried: ChainState,
    control: Required<StageControl>,
    report: (statuses: StageStatuses) => void,
  ) {
    this.input = input;
    this.carried = carried;
    this.report = report;
    this.acts = engineActivities(engineQueue(input.queuePrefix));
    this.scope = { ...input.scope, stages: input.stages, execution: carried.execution };
    this.stages = carried.listed.stages;
    this.needs = withCells(input.needs, carried.listed.cells);
    this.window = new Window(
      this.stages.map(({ maxParallel }) => maxParallel),
      carried.pending,
    );
    if (carried.stoppedFrom !== undefined) this.window.stop(carried.stoppedFrom);
    this.itemScopes = this.stages.map(() => new CancellationScope());
    this.recorder = new ResultRecorder(this.acts, this.scope, carried.batch, (error) => this.broken(error));
    this.tallies = carried.tallies;
    this.workloads = carried.workloads;
    this.cursor = carried.cursor;
    this.apply(control);
    this.report(this.statuses('running'));
  }

  apply(control: Required<StageControl>): void {
    this.window.paused = control.paused;
    for (const [position, { name, maxParallel }] of this.stages.entries()) {
      this.window.setLimit(position, control.maxParallel[name] ?? maxParallel);
    }
    this.ticks += 1;
  }

  /** Runs items until none is left, or until this execution's history is long enough. */
  async work(): Promise<'ended' | 'continue'> {
    const { count } = this.carried.listed.manifest;
    for (;;) {
      if (this.trouble !== undefined) throw this.trouble;
      this.window.draining ||= this.moved && this.historyIsLong();
      this.startItems();
      const more = this.cursor < count;
      if (more && this.window.hungry && !this.checking) void this.checkPage();
      if (!this.checking && this.window.stopped && this.window.idle) break;
      if (!this.checking && !more && this.window.empty) break;
      if (!this.checking && this.window.draining && this.window.drained) {
        await this.recorder.drain();
        return 'continue';
      }
      const seen = this.ticks;
      await condition(() => this.ticks !== seen);
    }
    await this.recorder.drain();
    return 'ended';
  }

  /**
   * After a cancellation or a failure of the engine: waits for running items and writes the results so far.
   * It does not wait long for the work folder, which may be gone or not answer: what is not recorded is found
   * again by its receipts.
   */
  async abandon(): Promise<void> {
    this.stopFrom(0);
    await condition(() => this.window.idle);
    await condition(() => !this.checking, FOLDER_PATIENCE_MS);
    await this.recorder.drainWithin(FOLDER_PATIENCE_MS);
  }

  /** Ends the stages: items files, stage-level files, verdicts. */
  async finish(): Promise<StageOutcome[]> {
    const outcomes: StageOutcome[] = [];
    const { manifest } = this.carried.listed;
    for (const [position, stage] of this.stages.entries()) {
      const { counts } = this.tallies[position];
      const input = { ...this.scope, stage: stage.name, manifest, counts };
      const ended = await this.acts['engine.finish-stage'](input);
      const reason = stageFailure(stage, ended);
      outcomes.push({ name: stage.name, state: reason === undefined ? 'done' : 'failed', ...ended, reason });
    }
    return outcomes;
  }

  /** What the next execution starts from. */
  state(): ChainState {
    const { carried, cursor, recorder, window, tallies, workloads } = this;
    const { rest: pending, stoppedFrom } = window;
    return { ...carried, cursor, batch: recorder.batch, pending, stoppedFrom, tallies, workloads };
  }

  statuses(state: StageState): StageStatuses {
    return this.stages.map(({ name, needs }, position) => ({
      name,
      needs,
      state,
      startedAt: this.carried.startedAt,
      workflowId: workflowInfo().workflowId,
      ...this.tallies[position].counts,
      running: this.window.running(position),
      failures: this.tallies[position].failures,
      work: this.workOf(position),
    }));
  }

  private workOf(position: number): Work | undefined {
    const { counts } = this.tallies[position];
    return estimateWork(this.workloads[position], counts.total - countEnded(counts));
  }

  private startItems(): void {
    for (let item = this.window.take(); item; item = this.window.take()) void this.runOne(item);
  }

  private async runOne(item: TodoItem): Promise<void> {
    const workload = this.workloads[item.position];
    startItem(workload, item.fields);
    try {
      const ran = await this.itemScopes[item.position].run(() => runItem(this.itemRun(item), item));
      this.itemEnded(item, ran);
    } catch (error) {
      if (!isCancellation(error)) this.broken(error as Error);
    } finally {
      this.moved = true;
      stopItem(workload, item.fields);
      this.window.ended(item.position);
      this.ticks += 1;
    }
  }

  private itemEnded(item: TodoItem, { result, seconds }: RanItem): void {
    const { position, fields } = item;
    const took = result.status === 'failed' ? 'failed' : result.cached ? undefined : seconds;
    endItem(this.workloads[position], fields, took);
    const entries = [{ position, result }];
    addToTally(this.tallies[position], this.stages[position].name, result);
    if (result.status === 'failed' && this.stages[position].failFast) this.stopFrom(position);
    if (position + 1 < this.stages.length) {
      if (result.status === 'done') {
        this.window.passOn({ ...item, position: position + 1, prior: result.outputs, steps: {} });
      } else {
        for (const later of this.workloads.slice(position + 1)) endItem(later, fields);
        entries.push(...this.skipLater(position, result));
      }
    }
    this.recorder.add(entries);
    this.report(this.statuses('running'));
  }

  /**
   * An item that did not succeed has no successor in later stages; its absence there is recorded with the
   * reason.
   */
  private skipLater(position: number, ended: ItemResult): { position: number; result: ItemResult }[] {
    const reason = absenceReason(this.stages[position].name, ended);
    return this.stages.slice(position + 1).map((stage, offset) => {
      const result = skippedItem(ended, reason);
      addToTally(this.tallies[position + 1 + offset], stage.name, result);
      return { position: position + 1 + offset, result };
    });
  }

  /**
   * Stages before `position` continue: their items do not depend on the failure, and a later run needs them
   * all.
   */
  private stopFrom(position: number): void {
    this.window.stop(position);
    for (const scope of this.itemScopes.slice(position)) scope.cancel();
  }

  private itemRun(item: TodoItem): ItemRun {
    const stage = this.stages[item.position];
    const { base, folders } = this.carried.listed;
    const { force, queuePrefix } = this.input;
    return {
      stage,
      needs: this.needs,
      input: itemInput({ ...this.scope, base, force }, stage, item.key, folders[item.position]),
      call: (step, input) => callStep(stepQueue(step.queue, queuePrefix), step, input),
    };
  }

  /** Not cancellable: the counts must agree with what the page's check has recorded. */
  private async checkPage(): Promise<void> {
    this.checking = true;
    try {
      const { manifest } = this.carried.listed;
      const limit = this.input.limits?.pageSize ?? PAGE;
      const { scope, needs, cursor: start } = this;
      const { force } = this.input;
      const page = await CancellationScope.nonCancellable(() =>
        this.acts['engine.check-page']({ ...scope, manifest, needs, start, limit, force }),
      );
      this.moved = true;
      this.cursor = page.next;
      this.window.addPage(page.todo);
      for (const { position, fields } of page.todo)
        for (const workload of this.workloads.slice(position)) expectItem(workload, fields);
      for (const [position, settled] of page.settled.entries()) {
        const tally = this.tallies[position];
        tally.counts = addCounts([tally.counts, settled]);
      }
      this.report(this.statuses('running'));
    } catch (error) {
      this.broken(error as Error);
    } finally {
      this.checking = false;
      this.ticks += 1;
    }
  }

  /** The stage cannot succeed: ends the scheduling. */
  private broken(error: Error): void {
    this.trouble ??= error;
    this.ticks += 1;
  }

  private historyIsLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= (this.input.limits?.maxEvents ?? MAX_EVENTS);
  }
}
