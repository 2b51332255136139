/**
 * `npm run bench [-- NAME ...]`: each contest of ours against the peer, in one go on this machine, and the ratio. The peers need a Python with
 * openslide-python, opencv, h5py and torch: name it in SAM_MIL_PYTHON where it is not `python3`.
 */
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compare, formatResult, type Contest } from './compare.js';

const python = process.env.SAM_MIL_PYTHON ?? 'python3';
const slide = fileURLToPath(new URL('../../pipelines/data/slides/CMU-1-Small-Region.svs', import.meta.url));

function ours(name: string, ...parameters: (string | number)[]): string[] {
  return [
    process.execPath,
    fileURLToPath(new URL(`./${name}.js`, import.meta.url)),
    ...parameters.map(String),
  ];
}

function peer(name: string, ...parameters: (string | number)[]): string[] {
  const script = fileURLToPath(new URL(`../../bench/peers/${name}.py`, import.meta.url));
  return [python, script, ...parameters.map(String)];
}

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

const contests: Contest[] = [
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
  ...['abmil', 'abmil-gated', 'dsmil', 'sam-mil'].flatMap((model) => [
    trainingContest(model, 1000, 40, 1),
    trainingContest(model, 10000, 8, 1.2),
    trainingContest(model, 40000, 3, 1.1),
  ]),
  trainingContest('transmil', 4000, 5, 0.8),
];

const wanted = process.argv.slice(2);
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, Node ${process.version}`,
);
for (const contest of contests) {
  if (wanted.length > 0 && !wanted.some((name) => contest.name.includes(name))) continue;
  console.log(formatResult(await compare(contest)));
}
