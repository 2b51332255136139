import type { FileRef } from '../../domain/job.js';
import { defineActivity, fileInput, fileOutput, itemsInput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.copy',
  version: 1,
  summary:
    'Publishes chosen outputs to a folder: whole files only, other content is never overwritten unasked',
  with: {
    files: {
      type: 'array',
      items: fileInput('any', 'A file output of an earlier stage.'),
      description: 'Single files.',
    },
    items: itemsInput('any', 'Items whose `outputs` are to be copied.'),
    outputs: {
      type: 'array',
      items: { type: 'string' },
      description: 'Names of the outputs to copy of each finished item.',
    },
    to: {
      type: 'string',
      minLength: 1,
      description: 'Target folder: absolute, or relative to the work folder. Made where it is missing.',
    },
    layout: {
      type: 'string',
      enum: ['flat', 'by-item'],
      default: 'flat',
      description: 'flat: all files in the folder itself. by-item: a folder for each item.',
    },
    overwrite: {
      type: 'boolean',
      default: false,
      description:
        'Replace files of the same name and other content. Without it they are refused before anything is written.',
    },
  },
  required: ['to'],
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
    const { faultOfCopies } = await import('../../domain/pipeline/copy/copy.js');
    return faultOfCopies(work, to as string, outputs.list as unknown as FileRef, digest);
  },
  load: () => import('../../domain/pipeline/copy/copy.js'),
});
