import { loadClientConnectConfig } from '@temporalio/envconfig';

/** From Temporal's environment variables and configuration file: address, TLS, API key. */
export const CONNECTION = { address: 'localhost:7233', ...loadClientConnectConfig().connectionOptions };

/** Of the task queues: what `sam-mil run --prefix` names. */
export const PREFIX = 'lab';
