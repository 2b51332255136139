import { parameters } from '../../domain/pipeline/command/parameters.js';
import { findCommandFaults } from '../../domain/pipeline/command/find-faults.js';
import { defineActivity } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.command',
  version: 1,
  summary:
    'Runs a program, such as a Python script, with declared inputs, outputs, parameters and environment',
  ...parameters,
  outputs: {},
  outputsFrom: 'outputs',
  queue: 'cpu',
  timeout: '24h',
  heartbeat: '2m',
  isolation: 'own-child',
  runsPrograms: true,
  resumesFrom: 'what the program has saved in its checkpoint folder',
  findFaults: findCommandFaults,
  load: () => import('../../domain/pipeline/command/command.js'),
});
