import type { Contest, Limit } from '../compare.js';
import { ours, peer } from './commands.js';

/** Segments and group features. */
export const contests: (Contest | Limit)[] = [
  {
    name: "SAM's logits to masks, one thread vs. two",
    unit: 'masks/s',
    ours: ours('mask-logits', 192, 5),
    peer: peer('mask_logits', 192, 2),
    rounds: 3,
    bar: 10,
  },
  {
    name: 'groups 20,000 x 300 (peer: 20 masks)',
    unit: 'pairs/s',
    ours: ours('groups', 20_000, 300, 1024, 5, 'speed'),
    peer: peer('groups', 20_000, 300, 1024, 20, 'numpy'),
    rounds: 3,
    bar: 20,
  },
  {
    name: 'groups, peer without numpy in the loop',
    unit: 'pairs/s',
    ours: ours('groups', 20_000, 300, 1024, 5, 'speed'),
    peer: peer('groups', 20_000, 300, 1024, 60, 'hoisted'),
    rounds: 3,
    bar: 5,
  },
  {
    name: 'groups 100,000 x 1,000, memory',
    unit: 'MB',
    ours: ours('groups', 100_000, 1000, 1024, 1, 'memory'),
    rounds: 1,
    atMost: 150,
  },
  {
    name: 'SAM vit_b, memory for one image, 64 points',
    unit: 'MB',
    ours: ours('sam-networks', 'vit_b', 64, 2),
    rounds: 1,
    atMost: 1600,
  },
];
