import { type Adam, openAdam, startingState } from '../../domain/mil/train-fold/adam.js';
import { placedBag } from '../../domain/mil/bags/bag.js';
import { openBackend, type Rank, tf } from '../../domain/mil/compute/backend.js';
import { modelEntry, resolveOptions } from '../../domain/mil/models/registry.js';
import { initialWeights } from '../../domain/mil/compute/parameters.js';
import { outputsOf, type Outcome } from '../../domain/mil/targets/target.js';
import { RandomStream } from '../../domain/random.js';
import { trainWindow, type Head } from './train-window.js';

export interface TrainSteps {
  adam: Adam;
  step: (number: number) => void;
}

/** A head and the outcomes of the bags of each step. */
export interface TrainedHead extends Head {
  outcomes: readonly Outcome[];
}

const CLASSES: TrainedHead = {
  target: { endpoint: 'classification', classes: ['normal', 'tumor'] },
  loss: { name: 'cross-entropy' },
  outcomes: [{ endpoint: 'classification', label: 1 }],
};

/**
 * Opens native TensorFlow and a model with fixed weights, to be trained on one fixed bag of `rows` instances
 * with `dim` features, which stands for all bags of a step.
 */
export async function openTrainSteps(
  name: string,
  rows: number,
  dim: number,
  totalSteps: number,
  { outcomes, ...head }: TrainedHead = CLASSES,
): Promise<TrainSteps> {
  await openBackend('tensorflow');
  const entry = modelEntry(name);
  const model = (await entry.load())({
    model: name,
    dim,
    outputs: outputsOf(head.target),
    endpoint: head.target.endpoint,
    embedDim: 512,
    attentionDim: entry.attentionDim,
    dropout: 0.25,
    options: resolveOptions(name, {}),
  });
  const start = startingState(initialWeights(model.parameters, 'bench'));
  const adam = openAdam(model.parameters, start, { weightDecay: 1e-5 });
  const bag = placedBag({
    x: tf.randomNormal<Rank.R2>([rows, dim], 0, 1, 'float32', 1),
    rows,
    isGroup: new Uint8Array(rows),
    area: Float32Array.from({ length: rows }, (_, i) => 100 + 300 * (i % 40)),
    coords: new Int32Array(2 * rows),
  });
  const step = (number: number) => {
    const bags = outcomes.map((outcome, i) => {
      const stream = (purpose: string) => new RandomStream('bench', number, i, purpose);
      return { bag, outcome, around: { step: number, totalSteps, stream, report: () => undefined } };
    });
    trainWindow(model, adam, bags, head, 2e-4);
  };
  return { adam, step };
}
