import type { Contest, Limit } from '../compare.js';
import { ours, peer } from './commands.js';

const bag = [20_000, 1024, 10] as const;

/** Reading and writing files. */
export const contests: (Contest | Limit)[] = [
  {
    name: 'write h5_files 20,000 x 1024, with fsync',
    unit: 'MB/s',
    ours: ours('h5-write', ...bag),
    peer: peer('h5_write', ...bag),
    rounds: 5,
    bar: 0.8,
  },
  {
    name: 'write h5_files 20,000 x 1024, check for NaN',
    unit: 'MB/s',
    ours: ours('h5-write', ...bag),
    peer: peer('h5_write', ...bag, 'look'),
    rounds: 5,
    bar: 0.8,
  },
];
