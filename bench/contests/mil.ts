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

/** Heads of survival and regression. A step of Cox takes 16 bags. */
function headContest(model: string, head: string, rows: number, steps: number): Contest {
  return {
    name: `heads: ${model} ${head}, N = ${rows}`,
    unit: 'bags/s',
    ours: ours('heads', model, head, rows, 1024, steps),
    peer: peer('training', model, rows, 1024, steps, head),
    rounds: 3,
    bar: 1,
  };
}

/** Both sides include the gradient. N = 100,000 in 300 classes. */
function consistencyContest(way: string, what: string, bar: number): Contest {
  return {
    name: `consistency loss, ${what}`,
    unit: 'losses/s',
    ours: ours('consistency', 100_000, 300),
    peer: peer('consistency', 100_000, 300, way),
    rounds: 3,
    bar,
  };
}

/** Training MIL models, compared with PyTorch with the same number of threads. */
export const contests: (Contest | Limit)[] = [
  ...['abmil', 'abmil-gated', 'dsmil', 'sam-mil'].flatMap((model) => [
    trainingContest(model, 1000, 200, 1),
    trainingContest(model, 10000, 8, 1.2),
    trainingContest(model, 40000, 3, 1.1),
  ]),
  trainingContest('rrt-mil', 10000, 5, 1),
  headContest('abmil', 'hazard', 10000, 16),
  headContest('abmil', 'cox', 10000, 2),
  headContest('abmil', 'mse', 10000, 16),
  headContest('rrt-mil', 'hazard', 10000, 5),
  trainingContest('transmil', 4000, 5, 0.8),
  {
    ...trainingContest('transmil', 4000, 5, 1),
    name: 'training transmil, N = 4000, memory',
    unit: 'MB',
    figure: 'peak_mb',
    less: true,
  },
  consistencyContest('all-pairs', 'N x N (peer: 1 % of it)', 50),
  // The authors' code works class by class, on a three-hundredth of the pairs: the fastest peer without
  // expanding the formula.
  consistencyContest('by-class', 'class by class', 10),
  {
    name: '3x3-fold, 100 bags, time outside steps',
    unit: '% of the time',
    ours: ours('folds', 100, 4),
    rounds: 1,
    atMost: 5,
  },
  {
    name: 'memory over 500 bags, growth after 50',
    unit: 'tensors',
    ours: ours('bag-memory', 500),
    rounds: 1,
    atMost: 0,
  },
];
