import { parameters } from '../../domain/pipeline/copy/parameters.js';
import type { FileRef } from '../../domain/job.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.copy',
  version: 1,
  summary:
    'Publishes chosen outputs to a folder: whole files only, other content is never overwritten unasked',
  ...parameters,
  outputs: {
    list: fileOutput('list', 'copied.json: path and digest of each file in the target.'),
    count: { type: 'integer', description: 'Files that are now in the target.' },
    written: { type: 'integer', description: 'Files that had to be written; the others were there already.' },
    digest: { type: 'string', description: 'Digest of the list.' },
  },
  queue: 'cpu',
  timeout: '1h',
  heartbeat: '2m',
  isolation: 'child',
  resumesFrom: 'the first file that is not there yet',
  outsideFault: async ({ work, with: { to }, outputs, digest }) => {
    const { findCopyFault } = await import('../../domain/pipeline/copy/copy.js');
    return findCopyFault(work, to as string, outputs.list as unknown as FileRef, digest);
  },
  load: () => import('../../domain/pipeline/copy/copy.js'),
});
