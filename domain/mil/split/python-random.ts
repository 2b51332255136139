/**
 * The part of CPython's `random.Random(seed)` that published splits need: Mersenne Twister MT19937 (Matsumoto
 * and Nishimura, ACM TOMACS 1998) with `init_by_array` seeding, `getrandbits`, and `shuffle`. It exists only
 * to reproduce published splits; everything else uses RandomStream.
 */
export class PythonRandom {
  private readonly state = new Uint32Array(SIZE);
  private at = SIZE;

  /** @param seed integer, 0 to 2^53 - 1 (like Python, it takes the absolute value of a negative seed) */
  constructor(seed: number) {
    const magnitude = Math.abs(seed);
    const high = Math.floor(magnitude / 4294967296);
    this.seedByArray(high === 0 ? [magnitude] : [magnitude >>> 0, high]);
  }

  /** Uniform integer of `bits` bits, 1 to 32. */
  getrandbits(bits: number): number {
    return this.next() >>> (32 - bits);
  }

  /**
   * Uniform integer in [0, bound): draws as many bits as `bound` has until the result is small enough.
   * `bound` is 1 to 2^32 - 1.
   */
  below(bound: number): number {
    const bits = 32 - Math.clz32(bound);
    let drawn = this.getrandbits(bits);
    while (drawn >= bound) drawn = this.getrandbits(bits);
    return drawn;
  }

  /** `random.shuffle`: in place, from the end. Returns its argument. */
  shuffle<T>(items: T[]): T[] {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [items[last], items[other]] = [items[other], items[last]];
    }
    return items;
  }

  private next(): number {
    if (this.at === SIZE) this.twist();
    let word = this.state[this.at++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  private twist(): void {
    const s = this.state;
    for (let i = 0; i < SIZE; i++) {
      const joined = (s[i] & 0x80000000) | (s[(i + 1) % SIZE] & 0x7fffffff);
      s[i] = s[(i + SHIFT) % SIZE] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }

  private seedByInteger(seed: number): void {
    const s = this.state;
    s[0] = seed;
    for (let i = 1; i < SIZE; i++) s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
  }

  private seedByArray(key: readonly number[]): void {
    this.seedByInteger(19650218);
    const s = this.state;
    let i = 1;
    const step = () => {
      if (++i < SIZE) return;
      s[0] = s[SIZE - 1];
      i = 1;
    };
    const mixed = () => s[i - 1] ^ (s[i - 1] >>> 30);
    for (let k = 0; k < SIZE; k++) {
      s[i] = (s[i] ^ Math.imul(mixed(), 1664525)) + key[k % key.length] + (k % key.length);
      step();
    }
    for (let k = 1; k < SIZE; k++) {
      s[i] = (s[i] ^ Math.imul(mixed(), 1566083941)) - i;
      step();
    }
    s[0] = 0x80000000;
  }
}

const SIZE = 624;
const SHIFT = 397;
