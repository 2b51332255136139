import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  condition,
  isCancellation,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { EngineActivities } from '../activities/engine/stage-messages.js';
import type { RunScope } from '../domain/engine/item/step-input.js';
import { newTally } from '../domain/engine/item/tally.js';
import { errorText } from '../domain/errors.js';
import type { JsonObject } from '../domain/json.js';
import { closingActivity, engineActivities, readFailure } from './call-activity.js';
import {
  engineQueue,
  STAGE_WORKFLOW,
  stageControlSignal,
  stageProgressSignal,
  stageWorkflowId,
  statusQuery,
  type RunInput,
  type RunStatus,
  type StageControl,
  type StageOutcome,
} from './messages.js';
import type { pipelineStage } from './pipeline-stage.js';
import { RunBook } from './run-book.js';
import { runMessage } from './run-message.js';
import { handleUpdates } from './run-updates.js';
import type { StageInput } from './stage-input.js';
import { markdownTable } from './stage-tally.js';
import type { Waited } from './waiting-time.js';

/**
 * Workflow of a run: starts a child workflow for each stage when the stages it needs have ended, holds on
 * failure if the plan says so, and handles pause, resume, skip, cancel and status. Returns the run's status;
 * a failed run ends with a failure of type `RunFailed` with that status as its details.
 */
export async function pipelineRun(input: RunInput): Promise<RunStatus> {
  return new PipelineRun(input).run();
}

export class PipelineRun {
  book: RunBook | undefined;
  private readonly input: RunInput;
  private readonly acts: EngineActivities;
  private readonly planScope: RunScope;
  private readonly startedAt = Date.now();
  private endedAt: number | undefined;
  private waited: Waited = {};
  /** Why the record of the ended run could not be written. */
  private recordFault: string | undefined;
  /** Running children by first stage of their chain. */
  private readonly children = new Map<string, ChildWorkflowHandle<typeof pipelineStage>>();
  /** Increases with every event; the scheduler waits for it. */
  private ticks = 0;

  constructor(input: RunInput) {
    this.input = input;
    this.acts = engineActivities(engineQueue(input.queuePrefix));
    this.planScope = { run: input.run, work: input.header.work, plan: input.plan, lease: input.lease };
    setHandler(statusQuery, () => this.status());
    setHandler(stageProgressSignal, (statuses) => {
      this.book?.progressed(statuses);
      this.touch();
    });
    handleUpdates(this);
  }

  async run(): Promise<RunStatus> {
    const book = await this.open();
    try {
      await this.schedule(book);
    } catch (error) {
      if (!isCancellation(error)) throw error;
      book.cancelled = true;
      await CancellationScope.nonCancellable(() => condition(() => book.in('running').length === 0));
    }
    return CancellationScope.nonCancellable(() => this.close(book));
  }

  status(): RunStatus {
    const { run, header } = this.input;
    const { book, startedAt, endedAt } = this;
    return {
      run,
      pipeline: header.pipeline,
      work: header.work,
      state: book?.state ?? 'running',
      startedAt,
      ...(endedAt === undefined ? {} : { endedAt }),
      ...this.waited,
      stages: book?.statuses ?? [],
      message: this.message(),
    };
  }

  private message(): string {
    const { run, header } = this.input;
    if (this.book === undefined) return 'reading the plan';
    const message = runMessage(run, this.book);
    if (this.recordFault === undefined) return message;
    return `${message}; the record of the run could not be written to ${header.work}: ${this.recordFault}`;
  }

  /** Wakes the scheduler after an event. */
  touch(): void {
    this.ticks += 1;
    this.waited = this.book?.waitingTime(Date.now()) ?? {};
    setCurrentDetails(`${this.status().message}\n\n${markdownTable(this.status().stages)}`);
  }

  /** Sends a change to the running stages. A stage that has just ended does not need it. */
  control(change: StageControl): void {
    for (const child of this.children.values())
      child.signal(stageControlSignal, change).catch(() => undefined);
  }

  private async open(): Promise<RunBook> {
    const { header, items } = this.input;
    try {
      const plan = await this.acts['engine.read-plan']({
        ...this.planScope,
        header: header as unknown as JsonObject,
      });
      this.book = new RunBook(plan, Object.keys(items ?? {}));
      return this.book;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = readFailure(error);
      throw ApplicationFailure.create({
        message: errorText(failure),
        type: failure.code,
        nonRetryable: true,
        details: [failure],
      });
    }
  }

  private async schedule(book: RunBook): Promise<void> {
    for (;;) {
      await this.checkOutputs(book);
      for (const chain of book.startable(Date.now())) this.startChain(book, chain);
      this.touch();
      if (book.toCheck !== undefined) continue;
      if (book.over) return;
      const seen = this.ticks;
      await condition(() => this.ticks !== seen);
    }
  }

  /** Compares the outputs of ended stages with their receipts, if the book asks for it. */
  private async checkOutputs(book: RunBook): Promise<void> {
    const stages = book.toCheck;
    if (stages === undefined) return;
    try {
      book.checked(await this.acts['engine.check-outputs']({ ...this.planScope, stages }), Date.now());
    } catch (error) {
      if (isCancellation(error)) throw error;
      book.uncheckable(readFailure(error), Date.now());
    }
  }

  private startChain(book: RunBook, chain: string[]): void {
    const workflowId = stageWorkflowId(this.input.run, chain[0]);
    const input = this.stageInput(book, chain);
    book.started(chain, workflowId, Date.now());
    void this.runChain(book, chain, workflowId, input);
  }

  private async runChain(
    book: RunBook,
    chain: string[],
    workflowId: string,
    input: StageInput,
  ): Promise<void> {
    try {
      const child = await startStage(input, workflowId);
      this.children.set(chain[0], child);
      if (book.paused !== input.paused) this.control({ paused: book.paused });
      book.ended(await child.result(), Date.now());
    } catch (error) {
      if (isCancellation(error)) book.stopped(chain, Date.now());
      else book.ended(brokenChain(chain, error), Date.now());
    } finally {
      this.children.delete(chain[0]);
      this.touch();
    }
  }

  private stageInput(book: RunBook, chain: string[]): StageInput {
    const { queuePrefix, limits, items, force = [] } = this.input;
    return {
      scope: this.planScope,
      stages: chain,
      needs: book.needsOf(chain),
      queuePrefix,
      limits,
      maxParallel: book.maxParallel,
      paused: book.paused,
      force,
      only: items?.[chain[0]],
      leaveOut: book.leaveOut(chain[0]),
    };
  }

  private async close(book: RunBook): Promise<RunStatus> {
    this.endedAt = Date.now();
    this.touch();
    await this.writeRecord(book);
    const status = this.status();
    await condition(allHandlersFinished);
    if (status.state === 'cancelled') throw new CancelledFailure(status.message);
    if (status.state === 'done') return status;
    throw ApplicationFailure.create({
      message: status.message,
      type: 'RunFailed',
      nonRetryable: true,
      details: [status],
    });
  }

  /** Ends the run's record in the work folder. A run also ends if that fails. */
  private async writeRecord(book: RunBook): Promise<void> {
    const status = this.status();
    const attempts = status.state === 'cancelled' ? CANCELLED_RECORD_ATTEMPTS : RECORD_ATTEMPTS;
    const activity = closingActivity(engineQueue(this.input.queuePrefix), attempts);
    try {
      await activity['engine.close-run']({
        ...this.planScope,
        header: this.input.header as unknown as JsonObject,
        status: status as unknown as JsonObject,
        items: book.itemFiles(),
      });
    } catch (error) {
      this.recordFault = errorText(readFailure(error));
      this.touch();
    }
  }
}

const RECORD_ATTEMPTS = 8;
/** Who cancels a run, perhaps because its folder is gone, does not want to wait for it. */
const CANCELLED_RECORD_ATTEMPTS = 2;

/**
 * The stage workflow of a terminated execution of this run may take a moment to end; its id is in use until
 * then.
 */
async function startStage(
  input: StageInput,
  workflowId: string,
): Promise<ChildWorkflowHandle<typeof pipelineStage>> {
  for (let tries = 0; ; tries++) {
    try {
      return await startChild<typeof pipelineStage>(STAGE_WORKFLOW, {
        args: [input],
        workflowId,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        staticSummary: input.stages.join(' and '),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError) || tries >= 30) throw error;
      await sleep('1s');
    }
  }
}

/** Outcomes of a stage workflow that could not be started or was ended externally. */
function brokenChain(chain: string[], error: unknown): StageOutcome[] {
  const cause = (error as { cause?: Error } | undefined)?.cause ?? (error as Error);
  const reason = `its workflow was ended externally: ${cause.message}`;
  return chain.map((name) => ({ name, state: 'failed', ...newTally(), reason }));
}
