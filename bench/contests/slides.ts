import type { Contest, Limit } from '../compare.js';
import { ours, peer, slide } from './commands.js';

/** Reading slides, tissue and patches. */
export const contests: (Contest | Limit)[] = [
  {
    name: 'tiles 256 px, one thread',
    unit: 'tiles/s',
    ours: ours('tiles', slide, 256, 10),
    peer: peer('tiles', slide, 256, 10),
    rounds: 5,
    bar: 1,
  },
  {
    name: 'tissue + patch, warm',
    unit: 'slides/s',
    ours: ours('tissue', slide, 256, 5),
    peer: peer('tissue', slide, 256, 5),
    rounds: 5,
    bar: 1,
  },
];
