import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { engineQueue, samMilPlugins, stepQueue } from 'sam-mil/plugin';
import * as activities from './activities.js';
import { CONNECTION, PREFIX } from './settings.js';

const samMil = await samMilPlugins(); // { plugins: ['a-package'] } adds those of pipelines
const connection = await NativeConnection.connect(CONNECTION);
try {
  const workers = [
    // Workflows: ours and sam-mil's, which workflows.js re-exports.
    await Worker.create({
      connection,
      taskQueue: engineQueue(PREFIX),
      workflowsPath: fileURLToPath(new URL('./workflows.js', import.meta.url)),
      activities,
      plugins: [samMil.engine],
    }),
    // Steps of pipelines. A worker for `runs-on: gpu` is the same with another queue.
    await Worker.create({
      connection,
      taskQueue: stepQueue('cpu', PREFIX),
      plugins: samMil.steps,
      maxConcurrentActivityTaskExecutions: 2,
    }),
  ];
  console.log(`serving ${engineQueue(PREFIX)} and ${stepQueue('cpu', PREFIX)} at ${CONNECTION.address}`);
  // Each ends at Ctrl-C or SIGTERM, when its steps have saved where they are.
  await Promise.all(workers.map((worker) => worker.run()));
} finally {
  await samMil.close();
  await connection.close();
}
