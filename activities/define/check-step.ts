import type { SamMilError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';

/** What is known of a step before the run: see `check` of an activity. */
export interface StepToCheck {
  /** Known parameters by their YAML names, with defaults. Files are absolute. */
  readonly with: JsonObject;
  /** Parameters that depend on the results of earlier stages. */
  readonly unknown: ReadonlySet<string>;
  /** The items of a parameter such as `bags`, if the list is known: which of them succeed is not. */
  readonly items: Readonly<Record<string, readonly ListedItem[]>>;
  /** The steps of the same item whose outputs parameters take, by the name of the parameter. */
  readonly producers: Readonly<Record<string, ProducingStep>>;
}

/** A step as far as its parameters are known, with defaults. */
export interface ProducingStep {
  readonly uses: string;
  readonly with: JsonObject;
}

export interface ListedItem {
  readonly key: string;
  /** Why the pipeline leaves it out. */
  readonly skip?: string;
  /** Absolute path of its file, if the item is a file. */
  readonly path?: string;
}

/** What a check understood, as sentences for the user. */
export interface StepFindings {
  /** What the inputs contain: `40 slides, 2 classes: normal 20, tumor 20`. */
  readonly found?: readonly string[];
  readonly warnings?: readonly string[];
  /** What cannot be checked yet: `the labels: they come from an earlier stage`. */
  readonly unknown?: readonly string[];
}

/** A step of one item of a stage, as far as it is known. */
export interface ItemToCheck {
  readonly key: string;
  readonly step: StepToCheck;
}

/** What a check of all items of a stage understood, and the faults of some of them. */
export interface ItemsFindings extends StepFindings {
  readonly faults?: readonly { keys: readonly string[]; error: SamMilError }[];
}
