import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { attentionModel } from '../../../../domain/mil/models/abmil.js';
import { build as buildClam } from '../../../../domain/mil/models/clam.js';
import type { Model, ModelConfig } from '../../../../domain/mil/models/model.js';
import { resolveOptions } from '../../../../domain/mil/models/registry.js';
import type { HeadLoss } from '../../../../domain/mil/targets/head.js';
import { readingOf } from '../../../../domain/mil/targets/reading.js';
import { outputsOf, type Outcome, type Target } from '../../../../domain/mil/targets/target.js';
import { openAdam, startingState } from '../../../../domain/mil/train-fold/adam.js';
import { RandomStream } from '../../../../domain/random.js';
import { trainWindow, type Head, type WindowBag } from '../../../support/train-window.js';
import {
  assertClose,
  checkCount,
  checkWeights,
  compareGradients,
  inferOracle,
  Oracle,
  oracleConfig,
  toDevice,
  type OracleCase,
} from '../oracle.js';

const HAZARD: Target = { endpoint: 'survival', head: 'hazard', time: 'months', edges: [1, 2, 3] };
const COX: Target = { endpoint: 'survival', head: 'cox', time: 'months' };
const VALUE: Target = { endpoint: 'regression', value: 'score' };

/** CLAM-SB without classes is gated attention with tanh and biases. */
const ENCODERS: readonly [string, (config: ModelConfig) => Model][] = [
  ['abmil', (config) => attentionModel(config, 'tanh')],
  ['gated_relu_nobias', (config) => attentionModel(config, 'gated')],
  [
    'gated_tanh_bias',
    (config) =>
      buildClam({ ...config, options: resolveOptions('clam-sb', {}) } as Parameters<typeof buildClam>[0]),
  ],
];

const HEADS = [
  ['survival', HAZARD],
  ['cox', COX],
  ['regression', VALUE],
] as const;

function lossOf({ alpha, ties, loss, huber_delta = 1 }: OracleCase): HeadLoss {
  if (alpha !== undefined) return { name: 'hazard', alpha };
  if (ties !== undefined) return { name: 'cox', ties };
  return loss === 'huber' ? { name: loss, delta: huber_delta } : { name: loss ?? 'mse' };
}

function outcomesOf({ bins, censored = [], times, events = [], target = NaN }: OracleCase): Outcome[] {
  const survival = (time: number, event: 0 | 1): Outcome => ({ endpoint: 'survival', time, event });
  if (bins !== undefined) return bins.map((bin, i) => survival(bin + 0.5, censored[i] === 1 ? 0 : 1));
  if (times !== undefined) return times.map((time, i) => survival(time, events[i]));
  return [{ endpoint: 'regression', value: target }];
}

function windowOf(oracle: Oracle, oracleCase: OracleCase): WindowBag[] {
  const around = {
    step: 0,
    totalSteps: 3,
    stream: (purpose: string) => new RandomStream('test', purpose),
    report: () => undefined,
  };
  const outcomes = outcomesOf(oracleCase);
  const role = (i: number) => (outcomes.length === 1 ? 'x' : `x${i}`);
  return outcomes.map((outcome, i) => ({ outcome, around, bag: oracle.bag(oracleCase, role(i)) }));
}

/** The mean gradients of a step are ten times its first moments. */
function checkMeanGradients(model: Model, oracle: Oracle, name: string, bags: WindowBag[], head: Head): void {
  const adam = openAdam(model.parameters, startingState(oracle.weights()), { weightDecay: 0 });
  const loss = trainWindow(model, adam, bags, head, 1e-4);
  const { first, steps } = adam.state();
  adam.dispose();
  assert.ok(Object.values(steps).every((count) => count === 1));
  const gradients = Object.entries(first).map(([key, values]) => [key, values.map((value) => 10 * value)]);
  compareGradients(loss, Object.fromEntries(gradients) as typeof first, oracle, name);
}

function checkOutputs(model: Model, oracle: Oracle, name: string, { bag }: WindowBag, target: Target): void {
  const weights = toDevice(model, oracle.weights());
  const { logits } = inferOracle(model, weights, bag);
  tf.dispose(weights);
  const out = (what: string) => [...oracle.floats(`${name}/out/${what}`)].slice(0, logits.length);
  assertClose(logits, out('logits'), 'logits');
  const reading = readingOf(logits, target);
  if (reading.endpoint !== 'survival' || reading.survival === undefined) return;
  assertClose(reading.survival, out('survival'), 'survival');
  assertClose([reading.risk], out('risk').slice(0, 1), 'risk');
}

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`heads of survival and regression on ${backend} equal PyTorch`, () => {
    before(() => openBackend(backend));

    for (const [encoder, buildEncoder] of ENCODERS) {
      for (const [suffix, target] of HEADS) {
        const oracle = new Oracle(`${encoder}_${suffix}`, 'mil-2');
        const { endpoint } = target;
        const config = { ...oracleConfig(encoder), outputs: outputsOf(target), endpoint };
        const attentionDim = oracle.params['att.V.w'][0];
        for (const [name, oracleCase] of Object.entries(oracle.cases)) {
          test(`${oracle.name} ${name}: outputs, loss, gradients and three steps of Adam`, () => {
            const model = buildEncoder({ ...config, attentionDim });
            checkCount(model, oracle.parameterCount);
            const bags = windowOf(oracle, oracleCase);
            const head = { target, loss: lossOf(oracleCase) };
            checkOutputs(model, oracle, name, bags[0], target);
            checkMeanGradients(model, oracle, name, bags, head);
            const adam = openAdam(model.parameters, startingState(oracle.weights()), { weightDecay: 1e-5 });
            for (const expected of oracleCase.loss_steps.slice(0, 3)) {
              assertClose([trainWindow(model, adam, bags, head, 2e-4)], [expected], 'loss of a step');
            }
            checkWeights(adam.state(), oracle, name, 'adam3', suffix === 'cox' ? ['cls.b'] : []);
            adam.dispose();
            tf.dispose(bags.map(({ bag }) => bag.x));
          });
        }
      }
    }
  });
}
