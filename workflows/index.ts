/** Entry point of the bundler: the workflows that a worker of the engine queue serves. */
export { pipelineRun } from './pipeline-run.js';
export { pipelineStage } from './pipeline-stage.js';
