import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomStream } from '../../../domain/random.js';
import { KINDS } from './kinds.js';
import { mutate } from './mutate.js';
import type { Outcome, ReaderChild } from './reader-child.js';

/** What became of all files of a kind. */
export interface Tally {
  kind: string;
  counts: Record<Outcome['outcome'], number>;
  megabytes: number;
  seconds: number;
  /** Files that show a fault; each is kept. */
  faults: { path: string; outcome: string; message: string }[];
}

export interface FuzzOptions {
  kind: string;
  /** Scratch folder. */
  folder: string;
  /** Number of mutants. Default: no limit but `seconds`. */
  count?: number;
  /** Time after which no further mutant is made. */
  seconds?: number;
  seed: number;
  child: ReaderChild;
}

/**
 * Gives a reader the sound file, which it must accept, its wrong files, which it must refuse, and mutants,
 * which it may accept or refuse. A crash, a hang and an error other than a SamMilError are faults.
 */
export async function fuzz(options: FuzzOptions): Promise<Tally> {
  const { kind, folder, seed, child, count = Infinity, seconds = Infinity } = options;
  const started = performance.now();
  const { extension, sound, wrong = {} } = KINDS[kind];
  const counts = { accepted: 0, refused: 0, 'other-error': 0, crash: 0, hang: 0 };
  const tally: Tally = { kind, counts, megabytes: 0, seconds: 0, faults: [] };
  const place = join(folder, kind);
  mkdirSync(place, { recursive: true });
  const give = async (name: string, allowed: readonly Outcome['outcome'][]): Promise<void> => {
    const path = join(place, `${name}.${extension}`);
    const { outcome, message, megabytes } = await child.read({ kind, path });
    counts[outcome]++;
    tally.megabytes = Math.max(tally.megabytes, megabytes);
    if (!allowed.includes(outcome)) tally.faults.push({ path, outcome, message });
  };
  await sound(join(place, `sound.${extension}`));
  await give('sound', ['accepted']);
  for (const [name, write] of Object.entries(wrong)) {
    await write(join(place, `${name}.${extension}`));
    await give(name, ['refused']);
  }
  const random = new RandomStream(seed, kind);
  const bytes = readFileSync(join(place, `sound.${extension}`));
  const isOver = () => performance.now() - started > seconds * 1000;
  for (let i = 0; i < count && !isOver(); i++) {
    const { damage, bytes: damaged } = mutate(bytes, random);
    const before = tally.faults.length;
    // Only the files that show a fault are kept.
    const name = `mutant-${tally.faults.length}`;
    writeFileSync(join(place, `${name}.${extension}`), damaged);
    await give(name, ['accepted', 'refused']);
    if (tally.faults.length > before) tally.faults[before].outcome += ` (${damage}, mutant ${i})`;
  }
  tally.seconds = (performance.now() - started) / 1000;
  return tally;
}
