import type { RandomStream } from '../../../domain/random.js';

/** A damaged copy of a file, named by the kind of damage. */
export interface Mutant {
  damage: 'cut-short' | 'head' | 'anywhere' | 'part-missing' | 'part-repeated';
  bytes: Buffer;
}

/** Bytes from the start in which most structures of the formats lie. */
const HEAD = 4096;

function pick<T>(random: RandomStream, values: readonly T[]): T {
  return values[random.below(values.length)];
}

/** Damages a file as copies, disks and editors do. The same stream gives the same damage. */
export function mutate(sound: Buffer, random: RandomStream): Mutant {
  const chance = random.uniform();
  if (chance < 0.15) {
    return { damage: 'cut-short', bytes: sound.subarray(0, random.below(sound.length)) };
  }
  if (chance < 0.6) {
    return { damage: 'head', bytes: flipped(sound, random, Math.min(HEAD, sound.length)) };
  }
  if (chance < 0.9) return { damage: 'anywhere', bytes: flipped(sound, random, sound.length) };
  const [a, b] = [random.below(sound.length), random.below(sound.length)].sort((x, y) => x - y);
  if (chance < 0.95) {
    return { damage: 'part-missing', bytes: Buffer.concat([sound.subarray(0, a), sound.subarray(b)]) };
  }
  return { damage: 'part-repeated', bytes: Buffer.concat([sound.subarray(0, b), sound.subarray(a)]) };
}

/** Changes 1 to 16 of the first `below` bytes: a flipped bit, the largest, the smallest or another value. */
function flipped(sound: Buffer, random: RandomStream, below: number): Buffer {
  const bytes = Buffer.from(sound);
  for (let left = pick(random, [1, 1, 2, 4, 16]); left > 0; left--) {
    const at = random.below(below);
    const old = bytes[at];
    const values = [old ^ (1 << random.below(8)), 0, 255, random.below(256), (old + 1) & 255];
    bytes[at] = pick(random, values);
  }
  return bytes;
}
