import type { Contest, Limit } from '../compare.js';
import { ours, peer } from './commands.js';

function trainingContest(model: string, rows: number, steps: number, bar: number): Contest {
  return {
    name: `training ${model}, N = ${rows}`,
    unit: 'steps/s',
    ours: ours('training', model, rows, 1024, steps),
    peer: peer('training', model, rows, 1024, steps),
    rounds: 3,
    bar,
  };
}

/** Training MIL models, against PyTorch with as many threads. */
export const contests: (Contest | Limit)[] = [
  ...['abmil', 'abmil-gated', 'dsmil', 'sam-mil'].flatMap((model) => [
    trainingContest(model, 1000, 40, 1),
    trainingContest(model, 10000, 8, 1.2),
    trainingContest(model, 40000, 3, 1.1),
  ]),
  trainingContest('transmil', 4000, 5, 0.8),
];
