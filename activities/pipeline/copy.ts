import { parameters } from '../../domain/pipeline/copy/parameters.js';
import type { FileRef } from '../../domain/job.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.copy',
  version: 1,
  summary:
    'Copies selected outputs to a folder; writes whole files only and never overwrites other content unless `overwrite` is set',
  ...parameters,
  outputs: {
    list: fileOutput('list', 'copied.json: path and digest of each file in the target.'),
    count: { type: 'integer', description: 'Number of copied files in the target.' },
    written: { type: 'integer', description: 'Number of files written; the others already existed.' },
    digest: { type: 'string', description: 'Digest of the list.' },
  },
  queue: 'cpu',
  timeout: '1h',
  heartbeat: '2m',
  stall: '1h',
  isolation: 'child',
  resumesFrom: 'the first file that is not copied yet',
  outsideFault: async ({ work, with: { to }, outputs, digest }) => {
    const { findCopyFault } = await import('../../domain/pipeline/copy/copy.js');
    return findCopyFault(work, to as string, outputs.list as unknown as FileRef, digest);
  },
  load: () => import('../../domain/pipeline/copy/copy.js'),
});
