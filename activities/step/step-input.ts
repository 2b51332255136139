import type { JsonObject } from '../../domain/json.js';

/** Argument of every step activity: parameters by value, files by reference, and where the outputs go. */
export interface StepInput {
  run: string;
  /** Absolute work folder. */
  work: string;
  /** Absolute folder that relative paths in `with` are resolved against. */
  base: string;
  stage: string;
  /** Item key; for a stage of one item, the stage's name. */
  item: string;
  /** The stage has one item: its key is then no part of the cache key. */
  single: boolean;
  step: string;
  /** Where outputs are published, relative to the work folder: `train/sam-mil-0-2`. */
  folder: string;
  /** The step's `with`, expressions evaluated. */
  with: JsonObject;
  /** Receipts from before this run do not count. */
  force: boolean;
}

export interface StepResult {
  outputs: JsonObject;
  /** The item ends here on purpose; the reason. */
  skip?: string;
  /** A receipt stood: nothing was executed. */
  cached: boolean;
}
