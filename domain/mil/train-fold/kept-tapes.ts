import { tf } from '../compute/backend.js';
import { disposeTape, gradientsOf, recordTape, type Tape } from '../compute/differentiate.js';
import type { Weights } from '../compute/parameters.js';
import type { Model, StepContext } from '../models/model.js';
import type { Bag } from '../bags/bag.js';
import { requireGradients } from './step.js';

/** Bytes that the activations of a window may take before the window is computed twice instead. */
const LIMIT = 1.5 * 2 ** 30;

/**
 * The tapes of the bags of a window, from which its gradients follow without computing the bags again. They
 * are kept for a model whose loss is its only `bagLoss`, because no other part of the loss is then missing,
 * and up to a limit of memory. The gradients have the same bits as those of a second pass.
 */
export class KeptTapes {
  private readonly model: Model;
  private readonly limit: number;
  private tapes: Tape[] = [];
  private bytes = 0;
  private kept: boolean;

  constructor(model: Model, limit = LIMIT) {
    this.model = model;
    this.limit = limit;
    this.kept = model.gradients === undefined && model.teacherMomentum === undefined;
  }

  /** Computes the loss of the next bag. */
  record(weights: Weights, bag: Bag, context: StepContext): void {
    let reported = false;
    const watched: StepContext = { ...context, report: () => (reported = true) };
    const compute = () => this.model.loss(weights, bag, watched);
    if (!this.kept) {
      tf.tidy(() => void compute());
      return;
    }
    const before = tf.memory().numBytes;
    const tape = recordTape(compute);
    this.tapes.push(tape);
    this.bytes += tf.memory().numBytes - before;
    // The value of `bagLoss` is 1 in this pass: the loss has other parts, or a factor.
    const more = tape.loss.dataSync()[0] !== 1;
    if (more || reported || this.bytes > this.limit) this.release();
  }

  /** Whether every bag that was recorded has a tape. */
  get complete(): boolean {
    return this.kept;
  }

  /** Computes the gradients of the next bag, in the order of recording, and releases its tape. */
  next(weights: Weights): Weights {
    const tape = this.tapes.shift();
    if (tape === undefined) throw new Error('there are no more tapes');
    const gradients = gradientsOf(tape, this.model.parameters.map(({ name }) => name), weights); // prettier-ignore
    tape.loss.dispose();
    requireGradients(gradients);
    return gradients;
  }

  release(): void {
    this.tapes.forEach(disposeTape);
    this.tapes = [];
    this.kept = false;
  }
}
