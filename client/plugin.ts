/**
 * Package entry `sam-mil/plugin`: what activities, plugins and Temporal workers of other packages need.
 * Importing it loads no native library.
 */
export {
  type ActivityDefinition,
  type ActivityPlugin,
  defineActivity,
  fileInput,
  fileOutput,
  type FinishedItem,
  type FinishedStage,
  itemsInput,
  itemsOutput,
  type Schema,
} from '../activities/define/define-activity.js';
export {
  samMilPlugins,
  type SamMilPlugins,
  type SamMilPluginsOptions,
} from '../activities/worker-plugins.js';
export { type ErrorCode, SamMilError } from '../domain/errors.js';
export { makeScratchFolder } from '../domain/files/make-folders.js';
export type { Json, JsonObject } from '../domain/json.js';
export type {
  FileRef,
  InputFile,
  ItemRecord,
  ItemsRef,
  Job,
  JobResult,
  OutputFile,
  Progress,
  Run,
} from '../domain/job.js';
export type { NativePart } from '../domain/machine/native-parts.js';
export { defineModel, type ModelEntry } from '../domain/mil/models/registry.js';
export { defineParameters, type WithOf } from '../domain/parameters.js';
export { engineQueue, stepQueue } from '../workflows/messages.js';
