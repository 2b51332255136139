import { resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { engineQueue } from 'sam-mil/plugin';
import { CONNECTION, PREFIX } from './settings.js';

const work = resolve(process.argv[2] ?? 'work/external');
const connection = await Connection.connect(CONNECTION);
try {
  const { workflow } = new Client({ connection });
  const options = { taskQueue: engineQueue(PREFIX), workflowId: `inspect-${Date.now()}`, args: [work] };
  console.log(await workflow.execute('inspectStudy', options));
} finally {
  await connection.close();
}
