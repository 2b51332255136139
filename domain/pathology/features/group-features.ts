/** One extra row per mask with members: the mean of the features of its members (SAM-MIL, ACM MM 2024). */
export interface GroupRows {
  /** Index of the mask of each group row, ascending. */
  masks: number[];
  /** groups x dim. */
  features: Float32Array;
}

/**
 * Computes group features while patch features stream through, so that a bag is never in memory as a whole.
 * Sums are in double precision and row order, so the bits do not depend on block sizes. Memory: groups x dim
 * doubles and one number per membership.
 */
export class GroupMeans {
  private readonly dim: number;
  private readonly masks: number[];
  private readonly sizes: number[];
  private readonly sums: Float64Array;
  /** The groups of row r are `groups[start[r]]` up to `groups[start[r + 1]]`. */
  private readonly start: Uint32Array;
  private readonly groups: Uint32Array;

  /** @param members rows of the patches of each mask @param rows total number of patches */
  constructor(members: readonly Int32Array[], rows: number, dim: number) {
    this.dim = dim;
    this.masks = members.flatMap((group, mask) => (group.length > 0 ? [mask] : []));
    this.sizes = this.masks.map((mask) => members[mask].length);
    this.sums = new Float64Array(this.masks.length * dim);
    this.start = new Uint32Array(rows + 1);
    for (const mask of this.masks) for (const row of members[mask]) this.start[row + 1]++;
    for (let row = 0; row < rows; row++) this.start[row + 1] += this.start[row];
    this.groups = new Uint32Array(this.start[rows]);
    const next = this.start.slice();
    this.masks.forEach((mask, group) => {
      for (const row of members[mask]) this.groups[next[row]++] = group;
    });
  }

  /** Number of group rows. */
  get count(): number {
    return this.masks.length;
  }

  /** Adds the features (n x dim) of the rows from `start`. */
  add(start: number, features: Float32Array): void {
    const { dim, sums, groups } = this;
    const rows = features.length / dim;
    for (let i = 0; i < rows; i++) {
      const row = features.subarray(i * dim, (i + 1) * dim);
      for (let at = this.start[start + i]; at < this.start[start + i + 1]; at++) {
        addTo(sums, groups[at] * dim, row);
      }
    }
  }

  finish(): GroupRows {
    const { dim, sums, sizes } = this;
    const features = new Float32Array(sums.length);
    sizes.forEach((size, group) => {
      for (let at = group * dim; at < (group + 1) * dim; at++) features[at] = sums[at] / size;
    });
    return { masks: this.masks, features };
  }
}

/** Dominates the run time if masks overlap; four columns per iteration take half the time of one. */
function addTo(sums: Float64Array, start: number, row: Float32Array): void {
  const whole = row.length - (row.length % 4);
  let column = 0;
  for (let at = start; column < whole; column += 4, at += 4) {
    sums[at] += row[column];
    sums[at + 1] += row[column + 1];
    sums[at + 2] += row[column + 2];
    sums[at + 3] += row[column + 3];
  }
  for (; column < row.length; column++) sums[start + column] += row[column];
}
