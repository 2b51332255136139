import { createHash } from 'node:crypto';

/**
 * Random streams that depend only on their names. Each use derives a separate stream from (seed, repeat,
 * fold, epoch, step, purpose), so there is no generator state to save: after a kill the same names give the
 * same numbers.
 *
 * Generator: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS
 * 2021), seeded by SHA-256 of the names.
 */
export class RandomStream {
  private readonly state: Uint32Array;

  constructor(...names: readonly (string | number)[]) {
    const hash = createHash('sha256').update(JSON.stringify(names)).digest();
    this.state = new Uint32Array([0, 4, 8, 12].map((offset) => hash.readUInt32LE(offset)));
    if (this.state.every((word) => word === 0)) this.state[0] = 1;
  }

  /** Uniform integer in [0, 2^32). */
  nextUint32(): number {
    const s = this.state;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.nextUint32() >>> 5) * 67108864 + (this.nextUint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [0, bound), without modulo bias. `bound` is 1 to 2^32. */
  below(bound: number): number {
    const limit = Math.floor(4294967296 / bound) * bound;
    let word = this.nextUint32();
    while (word >= limit) word = this.nextUint32();
    return word % bound;
  }

  /**
   * Standard normal number (Box and Muller 1958). Only the cosine half is used, so that each call returns one
   * value and keeps no state.
   */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles in place (Fisher and Yates); returns its argument. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const held = items[last];
      items[last] = items[other];
      items[other] = held;
    }
    return items;
  }

  /** 0 .. n-1 in random order. */
  permutation(n: number): Uint32Array {
    return this.shuffle(Uint32Array.from({ length: n }, (_, index) => index));
  }
}
