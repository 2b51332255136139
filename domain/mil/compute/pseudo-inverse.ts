import { kernels, tf, type Tensor2D, type Tensor3D } from './backend.js';
import { differentiable } from './differentiable.js';
import { largest } from './extremes.js';

const ITERATIONS = 6;

/**
 * Moore-Penrose inverse of each matrix of a stack [s, n, n] by Razavi's iteration, Z <- Z (13 - AZ (15 - AZ
 * (7 - AZ))) / 4. It starts from the transpose over the largest row sum times the largest column sum, each
 * taken over the whole stack, as TransMIL's published code does. Equal sums share the gradient.
 */
export function pseudoInverse(a: Tensor3D): Tensor3D {
  const absolute = tf.abs(a);
  const scale = tf.mul(largest(tf.sum(absolute, 2)), largest(tf.sum(absolute, 1)));
  return iterate(a, tf.div(tf.transpose(a, [0, 2, 1]), scale));
}

/**
 * What an iteration saves for its gradient: Z and X = AZ, R = (7 - X) / 4, Q = (15 - X (7 - X)) / 4, P = (13
 * - X (15 - X (7 - X))) / 4.
 */
type Iteration = [z: Tensor3D, x: Tensor3D, r: Tensor3D, q: Tensor3D, p: Tensor3D];

/**
 * All iterations as one operation with gradients by A and by the start. This takes half the calls of
 * differentiating each product.
 */
function iterate(a: Tensor3D, start: Tensor3D): Tensor3D {
  return differentiable([a, start], (save) => {
    const kept: Iteration[] = [];
    const quarters = [7, 15, 13].map((factor) => tf.mul<Tensor2D>(tf.eye(a.shape[1]), factor / 4));
    let z = start;
    for (let i = 0; i < ITERATIONS; i++) {
      const factors = computeFactors(a, z, quarters);
      kept.push([z, ...factors]);
      z = kernels.stackMatMul(z, factors[3]);
    }
    save([a, ...kept.flat()]);
    return { value: z, gradient: (dz, [a, ...saved]) => gradient(dz, a as Tensor3D, saved as Tensor3D[]) };
  });
}

/** The division by 4, which is exact, is applied to X, where it costs a single pass. */
function computeFactors(
  a: Tensor3D,
  z: Tensor3D,
  [seven, fifteen, thirteen]: Tensor2D[],
): [x: Tensor3D, r: Tensor3D, q: Tensor3D, p: Tensor3D] {
  return tf.tidy(() => {
    const x = kernels.stackMatMul(a, z);
    const r = tf.sub<Tensor3D>(seven, tf.mul(x, 1 / 4));
    const q = tf.sub<Tensor3D>(fifteen, kernels.stackMatMul(x, r));
    return [x, r, q, tf.sub<Tensor3D>(thirteen, kernels.stackMatMul(x, q))];
  });
}

function gradient(dz: Tensor3D, a: Tensor3D, saved: Tensor3D[]): Tensor3D[] {
  let da: Tensor3D | undefined;
  for (let i = ITERATIONS - 1; i >= 0; i--) {
    const [before, part] = tf.tidy(() =>
      iterationGradient(dz, a, saved.slice(5 * i, 5 * i + 5) as Iteration),
    );
    const sum: Tensor3D = da === undefined ? part : tf.add(da, part);
    if (sum !== part) tf.dispose([da, part]);
    if (i < ITERATIONS - 1) dz.dispose();
    [da, dz] = [sum, before];
  }
  return [da as Tensor3D, dz];
}

/** Gradients of one iteration by Z and by A, from the gradient by its result. */
function iterationGradient(dz: Tensor3D, a: Tensor3D, [z, x, r, q, p]: Iteration): [Tensor3D, Tensor3D] {
  const dp = kernels.stackMatMul(z, dz, true);
  const dq = kernels.stackMatMul(x, dp, true); // by Q, with the opposite sign
  const dr = kernels.stackMatMul(x, dq, true);
  const straight = tf.sub<Tensor3D>(
    kernels.stackMatMul(dq, r, false, true),
    kernels.stackMatMul(dp, q, false, true),
  );
  const dx = tf.sub<Tensor3D>(straight, tf.mul(dr, 1 / 4));
  return [
    tf.add(kernels.stackMatMul(dz, p, false, true), kernels.stackMatMul(a, dx, true)),
    kernels.stackMatMul(dx, z, false, true),
  ];
}
