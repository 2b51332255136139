import type { Command } from 'commander';

type CommandModule = Promise<{ createCommand(): Command }>;

/** Every verb, in the order of the help text. */
export const COMMANDS: Readonly<Record<string, () => CommandModule>> = {
  run: () => import('./run.js'),
  validate: () => import('./validate.js'),
  worker: () => import('./worker.js'),
  server: () => import('./server.js'),
  doctor: () => import('./doctor.js'),
  'self-test': () => import('./self-test.js'),
};
