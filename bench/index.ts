/**
 * `npm run bench [-- NAME ...]`: runs each contest on this machine, our side and the peer, and prints the
 * ratio. The peers need a Python with openslide-python, opencv, h5py and torch. If it is not `python3`, name
 * it in SAM_MIL_PYTHON.
 */
import { availableParallelism, cpus } from 'node:os';
import { compare, keepBelow } from './compare.js';
import { contests as features } from './contests/features.js';
import { contests as formats } from './contests/formats.js';
import { contests as mil } from './contests/mil.js';
import { contests as sam } from './contests/sam.js';
import { contests as slides } from './contests/slides.js';

const requested = process.argv.slice(2);
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, Node ${process.version}`,
);
for (const contest of [...slides, ...sam, ...features, ...formats, ...mil]) {
  if (requested.length > 0 && !requested.some((name) => contest.name.includes(name))) continue;
  console.log('peer' in contest ? await compare(contest) : await keepBelow(contest));
}
