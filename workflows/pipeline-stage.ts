import {
  CancellationScope,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { addCounts, countEnded, pickCounts } from '../domain/engine/item/counts.js';
import { newTally } from '../domain/engine/item/tally.js';
import type { WireError } from '../domain/errors.js';
import { engineActivities, readFailure } from './call-activity.js';
import { ChainRun } from './chain-run.js';
import {
  engineQueue,
  stageControlSignal,
  stageProgressSignal,
  stageStatusQuery,
  type StageControl,
  type StageOutcome,
  type StageStatuses,
} from './messages.js';
import type { ChainState, StageInput } from './stage-input.js';
import { markdownTable } from './stage-tally.js';

/**
 * Workflow of a stage and the stages fused with it: lists its items, checks them page by page, runs those
 * that need work in a sliding window, records their results in files, and continues as new when its history
 * grows. Returns one outcome per stage; a failed item does not fail this workflow.
 */
export async function pipelineStage(input: StageInput): Promise<StageOutcome[]> {
  const control: Required<StageControl> = { paused: input.paused, maxParallel: { ...input.maxParallel } };
  let chain: ChainRun | undefined;
  setHandler(stageStatusQuery, () => chain?.statuses('running') ?? []);
  setHandler(stageControlSignal, ({ paused, maxParallel }) => {
    control.paused = paused ?? control.paused;
    Object.assign(control.maxParallel, maxParallel);
    chain?.apply(control);
  });
  try {
    chain = new ChainRun(input, input.state ?? (await openChain(input)), control, reportToRun());
    if ((await chain.work()) === 'ended') return await chain.finish();
  } catch (error) {
    await CancellationScope.nonCancellable(async () => chain?.abandon());
    if (isCancellation(error)) throw error;
    return failedOutcomes(input, readFailure(error), chain);
  }
  return continueAsNew<typeof pipelineStage>({ ...input, ...control, state: chain.state() });
}

/** Starts a chain: lists its items. */
async function openChain(input: StageInput): Promise<ChainState> {
  const { scope, stages, needs, only, leaveOut } = input;
  const execution = workflowInfo().firstExecutionRunId.replaceAll('-', '').slice(0, 16);
  const acts = engineActivities(engineQueue(input.queuePrefix));
  const startedAt = Date.now();
  const listed = await acts['engine.list-items']({ ...scope, stages, execution, needs, only, leaveOut });
  const tallies = stages.map(() => newTally(listed.manifest.count));
  const workloads = stages.map(() => ({}));
  return { execution, listed, cursor: 0, batch: 0, pending: [], startedAt, tallies, workloads };
}

/** Outcomes of a stage that could not finish: its item list is unusable, or its results cannot be written. */
function failedOutcomes(input: StageInput, error: WireError, chain: ChainRun | undefined): StageOutcome[] {
  const statuses = chain?.statuses('failed');
  return input.stages.map((name, position) => {
    const status = statuses?.[position];
    const reached = status && { counts: { ...pickCounts(status), running: 0 }, failures: status.failures };
    return { name, state: 'failed', ...(reached ?? newTally()), error };
  });
}

/** Reports progress to the run in steps of 2 %, so that its history stays short for any number of items. */
function reportToRun(): (statuses: StageStatuses) => void {
  const { parent } = workflowInfo();
  let reported = -1;
  return (statuses) => {
    const counts = addCounts(statuses);
    const share = counts.total === 0 ? 0 : Math.floor((50 * countEnded(counts)) / counts.total);
    if (share === reported) return;
    reported = share;
    setCurrentDetails(markdownTable(statuses));
    if (!parent) return;
    const run = getExternalWorkflowHandle(parent.workflowId);
    // A run that has ended needs no report.
    run.signal(stageProgressSignal, statuses).catch(() => undefined);
  };
}
