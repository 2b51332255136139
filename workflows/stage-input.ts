import type { ListedItems, TodoItem } from '../activities/engine/stage-messages.js';
import type { RunScope } from '../domain/engine/item/step-input.js';
import type { NeedsContext } from '../domain/engine/language/plan/step-context.js';
import type { Tally } from '../domain/engine/item/tally.js';
import type { Workload } from '../domain/engine/item/workload.js';
import type { EngineLimits } from './messages.js';

/** Argument of a stage workflow: a stage and those fused with it, in order. */
export interface StageInput {
  scope: RunScope;
  stages: string[];
  needs: NeedsContext;
  queuePrefix?: string;
  limits?: EngineLimits;
  /** Overrides of the plan's `max-parallel`, by stage. */
  maxParallel: Record<string, number>;
  paused: boolean;
  force: string[];
  only?: string[];
  leaveOut?: string[];
  /** Set when the workflow continues as new. */
  state?: ChainState;
}

/**
 * Everything that an execution passes to the next one when it continues as new. Bounded for any number of
 * items.
 */
export interface ChainState {
  /** Name of the folder that all executions of this chain write to. */
  execution: string;
  listed: ListedItems;
  /** Index of the next item to check. */
  cursor: number;
  /** Number of the next batch of results. */
  batch: number;
  /** Items of the last page that have not started. */
  pending: TodoItem[];
  /** First position in the chain at which `fail-fast` lets nothing start. */
  stoppedFrom?: number;
  startedAt: number;
  /** By position in the chain. */
  tallies: Tally[];
  workloads: Workload[];
}
