import type { InputFile, ItemRecord } from '../../job.js';
import type { JsonObject } from '../../json.js';

/** A step whose inputs are known, for an activity that reads only a part of them. */
export interface ReadingStep {
  /** With defaults, by their kebab-case names. */
  parameters: JsonObject;
  /** By place in `with`. */
  inputs: Readonly<Record<string, InputFile>>;
  /** The name of the item, as its job gets it. */
  name: string;
  /** Absolute path of the work folder. */
  work: string;
  /** The records of an input of items. Output paths are absolute or relative to the work folder. */
  items(place: string): Promise<readonly ItemRecord[]>;
}
