/**
 * The consistency loss of SAM-MIL: instances of the same area class should get equal attention. For each
 * instance i of a class with two or more members, r_i = sqrt(sum over members j of (a_i - a_j)^2); the loss
 * is the mean of all r_i.
 *
 * With c = a - mean, sum_j (a_i - a_j)^2 = n c_i^2 + sum_j c_j^2, so time and memory are O(n), not O(n^2),
 * and centering first avoids cancellation. Computed in double precision on the host, because there is only
 * one number per instance.
 *
 * @param attention one value per instance
 * @param classes class of each instance, 0 .. count - 1; negative: no class
 * @returns the loss (0 where no class has two members), and its gradient by `attention`; where r_i = 0, its
 *   gradient is 0
 */
export function consistency(
  attention: ArrayLike<number>,
  classes: Int32Array,
): { loss: number; gradient: Float32Array } {
  const { length } = classes;
  const gradient = new Float32Array(length);
  const { size, square, centered } = groupSums(attention, classes);
  let counted = 0;
  for (const members of size) if (members >= 2) counted += members;
  if (counted === 0) return { loss: 0, gradient };

  // Sums per class of 1 / r_i and of c_i / r_i, which the gradient of every member needs.
  const inverse = new Float64Array(size.length);
  const weighted = new Float64Array(size.length);
  // 1 / r_i; 0 where r_i is 0, and for instances without a class or alone in their class.
  const perRadius = scratch('radius', length).fill(0, 0, length);
  let total = 0;
  for (let i = 0; i < length; i++) {
    const group = classes[i];
    if (group < 0 || size[group] < 2) continue;
    const c = centered[i];
    const r = Math.sqrt(size[group] * c * c + square[group]);
    if (r === 0) continue;
    total += r;
    perRadius[i] = 1 / r;
    inverse[group] += perRadius[i];
    weighted[group] += c * perRadius[i];
  }
  const share = 1 / counted;
  for (let i = 0; i < length; i++) {
    if (perRadius[i] === 0) continue;
    const group = classes[i];
    const own = size[group] * perRadius[i];
    gradient[i] = (centered[i] * (own + inverse[group]) - weighted[group]) * share;
  }
  return { loss: total / counted, gradient };
}

/** Reused between steps: allocating memory for 100,000 instances takes as long as the sums. */
const kept = { centered: new Float64Array(0), radius: new Float64Array(0) };

/** Returns an array of at least `length` values, with the contents of its last use. */
function scratch(name: keyof typeof kept, length: number): Float64Array {
  if (kept[name].length < length) kept[name] = new Float64Array(length);
  return kept[name];
}

/**
 * Members of each class, their sum of squared deviations, and each instance's deviation from the mean of its
 * class. Loops take a third of the time of callbacks.
 */
function groupSums(
  attention: ArrayLike<number>,
  classes: Int32Array,
): { size: Float64Array; square: Float64Array; centered: Float64Array } {
  const { length } = classes;
  const centered = scratch('centered', length);
  centered.set(attention);
  let count = 0;
  for (let i = 0; i < length; i++) if (classes[i] >= count) count = classes[i] + 1;
  const size = new Float64Array(count);
  const mean = new Float64Array(count);
  const square = new Float64Array(count);
  for (let i = 0; i < length; i++) {
    const group = classes[i];
    if (group < 0) continue;
    size[group]++;
    mean[group] += centered[i];
  }
  for (let group = 0; group < count; group++) mean[group] /= size[group] || 1;
  for (let i = 0; i < length; i++) {
    const group = classes[i];
    if (group < 0) continue;
    centered[i] -= mean[group];
    square[group] += centered[i] * centered[i];
  }
  return { size, square, centered };
}

/**
 * Which areas form classes: all, all except group rows (area 0), or all except group rows and patches outside
 * all masks (area 1).
 */
export type ConsistencyOver = 'all' | 'patches' | 'masks';

/** Class numbers of rows by their `relative_area`, in order of first appearance; -1 for excluded rows. */
export function areaClasses(area: Float32Array, over: ConsistencyOver): Int32Array {
  const numbers = new Map<number, number>();
  return Int32Array.from(area, (value) => {
    if ((value === 0 && over !== 'all') || (value === 1 && over === 'masks')) return -1;
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, (number = numbers.size));
    return number;
  });
}
