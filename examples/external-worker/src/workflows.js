import { proxyActivities } from '@temporalio/workflow';

/** The workflows of pipelines: `pipelineRun` and `pipelineStage`. */
export * from 'sam-mil/workflows';

const { listFinishedStages } = proxyActivities({ startToCloseTimeout: '1m' });

/** A workflow of this project: what is finished in the work folder of a study. */
export async function inspectStudy(work) {
  const stages = await listFinishedStages(work);
  return `${stages.length} finished: ${stages.join(', ')}`;
}
