import type { Contest, Limit } from '../compare.js';
import { ours, peer } from './commands.js';

/** Reading and writing files. */
export const contests: (Contest | Limit)[] = [
  {
    name: 'h5_files 20,000 x 1024 written, both with fsync',
    unit: 'MB/s',
    ours: ours('h5-write', 20_000, 1024, 10),
    peer: peer('h5_write', 20_000, 1024, 10),
    rounds: 5,
    bar: 0.8,
  },
];
