/**
 * The consistency loss of SAM-MIL: instances of one area class should be attended alike. For each class with two or more members,
 * r_i = sqrt(sum over members j of (a_i - a_j)^2); the loss is the sum of all r_i over the number of all i.
 *
 * With c = a - mean, sum_j (a_i - a_j)^2 = n c_i^2 + sum_j c_j^2, so time and memory are O(n), not O(n^2), and centring first keeps what the
 * subtraction would cancel. Computed in double precision on the host: it is one number an instance.
 *
 * @param attention one value an instance
 * @param classes class of each instance, 0 .. count - 1; negative: in none
 * @returns the loss (0 where no class has two members), and its gradient by `attention`; where r_i = 0, its gradient is 0
 */
export function consistency(
  attention: ArrayLike<number>,
  classes: Int32Array,
): { loss: number; gradient: Float32Array } {
  const gradient = new Float32Array(classes.length);
  const groups = groupSums(attention, classes);
  const counted = groups.size.reduce((sum, size) => sum + (size >= 2 ? size : 0), 0);
  if (counted === 0) return { loss: 0, gradient };

  // Per class: sums of 1 / r_i and of c_i / r_i, which the gradient of every member needs.
  const count = groups.size.length;
  const inverse = new Float64Array(count);
  const weighted = new Float64Array(count);
  let total = 0;
  const radius = new Float64Array(classes.length);
  for (let i = 0; i < classes.length; i++) {
    const group = classes[i];
    if (group < 0 || groups.size[group] < 2) continue;
    const centred = attention[i] - groups.mean[group];
    const r = Math.sqrt(groups.size[group] * centred * centred + groups.square[group]);
    radius[i] = r;
    total += r;
    if (r === 0) continue;
    inverse[group] += 1 / r;
    weighted[group] += centred / r;
  }
  for (let i = 0; i < classes.length; i++) {
    if (radius[i] === 0) continue;
    const group = classes[i];
    const centred = attention[i] - groups.mean[group];
    const own = (groups.size[group] * centred) / radius[i];
    gradient[i] = (own + centred * inverse[group] - weighted[group]) / counted;
  }
  return { loss: total / counted, gradient };
}

/** Members, mean, and sum of squared deviations of each class. */
function groupSums(
  attention: ArrayLike<number>,
  classes: Int32Array,
): { size: Float64Array; mean: Float64Array; square: Float64Array } {
  const count = classes.reduce((largest, group) => Math.max(largest, group + 1), 0);
  const size = new Float64Array(count);
  const mean = new Float64Array(count);
  const square = new Float64Array(count);
  classes.forEach((group, i) => {
    if (group < 0) return;
    size[group]++;
    mean[group] += attention[i];
  });
  for (let group = 0; group < count; group++) mean[group] /= size[group] || 1;
  classes.forEach((group, i) => {
    if (group >= 0) square[group] += (attention[i] - mean[group]) ** 2;
  });
  return { size, mean, square };
}

/** What counts as a class of equal area: every value, or not the group rows (area 0), or not the patches in no mask (area 1) either. */
export type ConsistencyOver = 'all' | 'patches' | 'masks';

/** Class numbers of rows by their `relative_area`, in order of first appearance; -1 for rows that are left out. */
export function areaClasses(area: Float32Array, over: ConsistencyOver): Int32Array {
  const numbers = new Map<number, number>();
  return Int32Array.from(area, (value) => {
    if ((value === 0 && over !== 'all') || (value === 1 && over === 'masks')) return -1;
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, (number = numbers.size));
    return number;
  });
}
