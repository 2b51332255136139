import { SamMilError } from '../../errors.js';
import { tf, type Tensor2D } from '../compute/backend.js';
import { hostLoss } from '../compute/layers.js';
import { coxLoss, type CoxTies } from './cox-loss.js';
import type { BagLoss } from './head.js';
import type { Outcome } from './target.js';

/** Log hazards that a bag passed to one call of `bagLoss`: one per row. */
type Call = Float32Array;

/** Loss of the window and its slope by the log hazard, one per row of a call. */
interface CallLoss {
  values: Float64Array;
  slopes: Float64Array;
}

interface RecordedBag {
  outcome: Outcome;
  calls: Call[];
}

/**
 * Cox loss of the bags of a window, for models that may call `bagLoss` several times per bag and with several
 * rows (pseudo-bags, tiers). Row r of call c of every bag forms one partial likelihood; each bag reports
 * their sum with its own weights, so that the mean over the bags is the loss of the window.
 *
 * It takes two passes over the bags, with the same weights and random streams: the first records the log
 * hazards, the second differentiates with `losses`. A bag with fewer rows or calls than others (fewer
 * instances than pseudo-bags) takes part in every likelihood, with its rows in turn, and its slopes are
 * means.
 */
export class CoxWindow {
  private readonly ties: CoxTies;
  private readonly bags: RecordedBag[] = [];

  constructor(ties: CoxTies) {
    this.ties = ties;
  }

  /** The loss of the next bag in the first pass. Its value has no meaning. */
  record(outcome: Outcome): BagLoss {
    const calls: Call[] = [];
    this.bags.push({ outcome, calls });
    return {
      outcome,
      bagLoss(logits) {
        calls.push(Float32Array.from(logits.dataSync()));
        return tf.scalar(0);
      },
    };
  }

  /** Whether all log hazards of the last recorded bag are finite. */
  get finite(): boolean {
    return this.bags[this.bags.length - 1].calls.every((call) => call.every(Number.isFinite));
  }

  /**
   * The losses of the bags for the second pass, in the order of the first; undefined if no bag has anything
   * to learn, as without an event, or if only those who are last at risk have one.
   */
  losses(): BagLoss[] | undefined {
    const [times, events] = [this.bags.map(timeOf), this.bags.map(eventOf)];
    const found = this.bags.map(({ calls }): CallLoss[] =>
      calls.map(({ length }) => ({ values: new Float64Array(length), slopes: new Float64Array(length) })),
    );
    if (this.bags.some(({ calls }) => calls.length === 0)) {
      throw broken('the model computes its loss without `context.bagLoss`, so it has no loss of a window');
    }
    const most = Math.max(...this.bags.map(({ calls }) => calls.length));
    for (let call = 0; call < most; call++) {
      const own = this.bags.map(({ calls }) => call % calls.length);
      const rows = Math.max(...this.bags.map(({ calls }, bag) => calls[own[bag]].length));
      for (let row = 0; row < rows; row++) {
        const at = this.bags.map(({ calls }, bag) => row % calls[own[bag]].length);
        const logits = this.bags.map(({ calls }, bag) => calls[own[bag]][at[bag]]);
        const gradient = new Float64Array(logits.length);
        const value = coxLoss(logits, { times, events }, this.ties, gradient);
        found.forEach((bag, i) => {
          const { values, slopes } = bag[own[i]];
          const share = 1 / (turns(most, bag.length, own[i]) * turns(rows, values.length, at[i]));
          values[at[i]] += share * value;
          slopes[at[i]] += share * gradient[i] * logits.length;
        });
      }
    }
    const learnable = found.some((bag) => bag.some(({ slopes }) => slopes.some((slope) => slope !== 0)));
    return learnable ? found.map((calls, bag) => sloped(this.bags[bag].outcome, calls)) : undefined;
  }
}

/** How often position `at` of `length` ones comes up in `count` turns. */
function turns(count: number, length: number, at: number): number {
  return Math.ceil((count - at) / length);
}

function timeOf({ outcome }: RecordedBag): number {
  if (outcome.endpoint === 'survival') return outcome.time;
  throw new Error(`loss cox cannot train ${outcome.endpoint}`);
}

function eventOf({ outcome }: RecordedBag): number {
  return outcome.endpoint === 'survival' ? outcome.event : 0;
}

/** Returns the known loss and slopes of each call. */
function sloped(outcome: Outcome, calls: readonly CallLoss[]): BagLoss {
  let next = 0;
  return {
    outcome,
    bagLoss(logits: Tensor2D, weights: readonly number[] = [1]) {
      const call = calls.at(next++);
      if (call?.slopes.length !== weights.length || logits.size !== weights.length) {
        throw broken('the model calls `context.bagLoss` differently when its loss is computed again');
      }
      return hostLoss(logits, () => ({
        loss: weights.reduce((sum, weight, row) => sum + weight * call.values[row], 0),
        gradient: Float32Array.from(weights, (weight, row) => weight * call.slopes[row]),
      }));
    },
  };
}

function broken(what: string): SamMilError {
  return new SamMilError('ContractBroken', what, {
    expected: 'with loss cox, the same calls in the same order for equal weights and random streams',
    next: 'see "A model of your own" in docs/training.md',
  });
}
