/** Losses over a few rows of scores, for bags and for CLAM's instances. */

/** A loss computed in double precision on the host, with its gradient. */
export interface RowLoss {
  loss: number;
  /** Gradient with respect to the scores, row-major. */
  gradient: Float32Array;
}

/** Mean cross-entropy of rows of `classes` scores. */
export function rowCrossEntropy(
  scores: ArrayLike<number>,
  labels: readonly number[],
  classes: number,
): RowLoss {
  return weightedCrossEntropy(scores, labels, classes, equalShares(labels.length));
}

/** Sum over the rows of share x cross-entropy. */
export function weightedCrossEntropy(
  scores: ArrayLike<number>,
  labels: readonly number[],
  classes: number,
  shares: readonly number[],
): RowLoss {
  return sumOverRows(labels, classes, shares, (row, label) => {
    const at = (j: number) => scores[row * classes + j];
    const { sum, weights } = logSumExp(classes, at);
    return { loss: sum - at(label), weights };
  });
}

/**
 * Share x mean over the classes of the binary cross-entropy of each separate logit: 1 for the label, 0 for
 * the others.
 */
export function binaryCrossEntropy(logits: ArrayLike<number>, label: number, share: number): RowLoss {
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  for (let j = 0; j < logits.length; j++) {
    const [logit, target] = [logits[j], j === label ? 1 : 0];
    // log(1 + e^x) - target x, without overflow.
    loss += Math.max(logit, 0) - target * logit + Math.log1p(Math.exp(-Math.abs(logit)));
    gradient[j] = (share * (1 / (1 + Math.exp(-logit)) - target)) / logits.length;
  }
  return { loss: (share * loss) / logits.length, gradient };
}

/**
 * Above this odds ratio between the two best scores, the smooth form equals the hard one, which is then used.
 */
const HARD_ODDS = 1000;

/**
 * Smooth top-1 SVM (Berrada, Zisserman, Kumar 2018) with margin and temperature 1, as in CLAM: logsumexp over
 * j of s_j + [j != y], minus s_y; the hard maximum is used where the two best raw scores differ by ln 1000 or
 * more. Mean over the rows.
 */
export function smoothTop1Svm(
  scores: ArrayLike<number>,
  labels: readonly number[],
  classes: number,
): RowLoss {
  return sumOverRows(labels, classes, equalShares(labels.length), (row, label) => {
    const raw = Array.from({ length: classes }, (_, j) => scores[row * classes + j]);
    const margin = raw.map((score, j) => score + (j === label ? 0 : 1));
    const [first, second] = [...raw].sort((a, b) => b - a);
    if (first - second < Math.log(HARD_ODDS)) {
      const { sum, weights } = logSumExp(classes, (j) => margin[j]);
      return { loss: sum - raw[label], weights };
    }
    const winner = margin.indexOf(Math.max(...margin));
    return { loss: margin[winner] - raw[label], weights: margin.map((_, j) => (j === winner ? 1 : 0)) };
  });
}

function equalShares(rows: number): number[] {
  return new Array<number>(rows).fill(1 / rows);
}

/** `each` returns a row's loss as f(scores) - score of the label, and the gradient of f. */
function sumOverRows(
  labels: readonly number[],
  classes: number,
  shares: readonly number[],
  each: (row: number, label: number) => { loss: number; weights: number[] },
): RowLoss {
  const gradient = new Float32Array(labels.length * classes);
  let total = 0;
  labels.forEach((label, row) => {
    const { loss, weights } = each(row, label);
    total += shares[row] * loss;
    weights.forEach((weight, j) => {
      gradient[row * classes + j] = shares[row] * (weight - (j === label ? 1 : 0));
    });
  });
  return { loss: total, gradient };
}

function logSumExp(count: number, at: (j: number) => number): { sum: number; weights: number[] } {
  const values = Array.from({ length: count }, (_, j) => at(j));
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return { sum: largest + Math.log(total), weights: powers.map((power) => power / total) };
}
