import type { ListedItems, RunScope, TodoItem } from '../activities/engine/stage-messages.js';
import type { NeedsContext } from '../domain/engine/language/plan/step-context.js';
import type { Tally } from '../domain/engine/item/tally.js';
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

/** All that one execution hands to the next when it continues as new: bounded, whatever the number of items. */
export interface ChainState {
  /** Name of the folder that all executions of this chain write to. */
  execution: string;
  listed: ListedItems;
  /** Index of the next item to check. */
  cursor: number;
  /** Number of the next batch of results. */
  batch: number;
  /** Items of the last page that were not begun. */
  pending: TodoItem[];
  /** Position in the chain from which on `fail-fast` lets nothing start any more. */
  stoppedFrom?: number;
  startedAt: number;
  /** By position in the chain. */
  tallies: Tally[];
}
