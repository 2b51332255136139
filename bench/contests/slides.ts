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
  {
    name: 'tissue + patch, whole process and imports',
    unit: 'processes/s',
    ours: ours('tissue', slide, 256, 0),
    peer: peer('tissue', slide, 256, 0),
    clock: 'process',
    rounds: 5,
    bar: 2,
  },
  ...againstClam(),
  ...huge('a lone level', 0),
  ...huge('3 levels', 2),
];

/** CLAM's own script, if the environment names a checkout of it. */
function againstClam(): Contest[] {
  if (process.env.SAM_MIL_CLAM === undefined) return [];
  const sides = { ours: ours('tissue', slide, 256, 0), peer: peer('clam', slide, 256), rounds: 3 };
  return [
    {
      ...sides,
      name: "tissue + patch vs. CLAM's script, warm",
      unit: 'slides/s',
      ours: ours('tissue', slide, 256, 3),
      bar: 1,
    },
    {
      ...sides,
      name: "tissue + patch vs. CLAM's script, imports",
      unit: 'processes/s',
      clock: 'process',
      bar: 2,
    },
  ];
}

/** A slide of 100,000 x 100,000 pixels: about five minutes on one core for a single level. */
function huge(what: string, levels: number): Limit[] {
  const name = `tissue + patch of 100,000 x 100,000 px, ${what}`;
  return [{ name, unit: 'MB', ours: ours('huge-slide', 100_000, levels, 'memory'), rounds: 1, atMost: 1500 }];
}
