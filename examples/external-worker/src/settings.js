export const ADDRESS = process.env.TEMPORAL_ADDRESS ?? 'localhost:7233';

/** Of the task queues: what `sam-mil run --prefix` names. */
export const PREFIX = 'lab';
