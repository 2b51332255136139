import type { Command } from 'commander';

type CommandModule = Promise<{ createCommand(): Command }>;

/** Every command, in the order of the help text. */
export const COMMANDS: Readonly<Record<string, () => CommandModule>> = {
  init: () => import('./init.js'),
  quickstart: () => import('./quickstart.js'),
  run: () => import('./run.js'),
  resume: () => import('./resume.js'),
  status: () => import('./status.js'),
  pause: () => import('./pause.js'),
  skip: () => import('./skip.js'),
  cancel: () => import('./cancel.js'),
  report: () => import('./report.js'),
  metrics: () => import('./metrics.js'),
  runs: () => import('./runs.js'),
  logs: () => import('./logs.js'),
  ls: () => import('./ls.js'),
  gc: () => import('./gc.js'),
  validate: () => import('./validate.js'),
  plan: () => import('./plan.js'),
  graph: () => import('./graph.js'),
  schema: () => import('./schema.js'),
  completion: () => import('./completion.js'),
  lsp: () => import('./lsp.js'),
  server: () => import('./server.js'),
  worker: () => import('./worker.js'),
  models: () => import('./models.js'),
  doctor: () => import('./doctor.js'),
  'self-test': () => import('./self-test.js'),
};
