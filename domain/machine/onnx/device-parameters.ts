import type { ValueSchema } from '../../activity-schema.js';

/** Schema of the device that a network runs on. @param subject what runs: `the encoder` */
export function deviceParameter(subject: string) {
  return {
    'x-synonyms': ['gpu', 'cuda', 'use-gpu'],
    type: 'string',
    enum: ['auto', 'cpu', 'cuda', 'tensorrt'],
    default: 'auto',
    'x-not-in-key': true,
    description: `Device that ${subject} runs on. If it is not available, the CPU is used and the log says why.`,
  } as const satisfies ValueSchema;
}

/** Schema of the number of CPU threads, which changes no result. */
export function threadsParameter(description: string) {
  return {
    'x-synonyms': ['workers', 'num-workers', 'cpus', 'jobs', 'n-jobs'],
    type: 'integer',
    minimum: 1,
    maximum: 256,
    'x-not-in-key': true,
    description,
  } as const satisfies ValueSchema;
}
