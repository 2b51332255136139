import { classLoss } from '../../../domain/mil/targets/head.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readSafetensors } from '../../../domain/files/safetensors.js';
import { toFloat32, toInt32, type Tensor } from '../../../domain/files/tensor.js';
import { openAdam, startingState, type AdamState } from '../../../domain/mil/train-fold/adam.js';
import { tf } from '../../../domain/mil/compute/backend.js';
import type { Model, ModelConfig, StepContext } from '../../../domain/mil/models/model.js';
import { placedBag, type Bag } from '../../../domain/mil/bags/bag.js';
import { parameterCount, type HostWeights, type Weights } from '../../../domain/mil/compute/parameters.js';
import { lossGradients } from '../../../domain/mil/train-fold/step.js';
import { trainStep } from '../../support/train-step.js';
import { RandomStream } from '../../../domain/random.js';
import { fixture } from '../../support/fixtures.js';

export interface Summary {
  norm: number;
  index: number[];
  value: number[];
}

/** Numbers computed by PyTorch in double precision; see test/fixtures/README.md. */
export interface OracleCase {
  N: number;
  label: number;
  inputs: Record<string, string>;
  scalars: Record<string, number>;
  loss_steps: number[];
  /** Losses of three AdamW steps as published for SiMLP. */
  adamw_loss_steps?: number[];
  unused_params: string[];
  full_tensors: boolean;
  grad_max_abs?: Record<string, number>;
  /** For large models, only five entries and the norm are stored. */
  grad_summary?: Record<string, Summary>;
  adam3_summary?: Record<string, Summary>;
  teacher3_summary?: Record<string, Summary>;
  adamw3_summary?: Record<string, Summary>;
  loss0_steps?: number[];
  loss1_steps?: number[];
  /** Hazard head: bin and censoring of each bag, and the discount of censored bags. */
  bins?: number[];
  censored?: number[];
  alpha?: number;
  /** Cox head: follow-up of each bag. */
  times?: number[];
  events?: (0 | 1)[];
  ties?: 'efron' | 'breslow';
  /** Regression head. */
  target?: number;
  loss?: 'mse' | 'huber' | 'l1';
  huber_delta?: number;
  /** Parameters whose gradient is exactly 0. */
  zero_grad_params?: string[];
  /** RRT-MIL: regions along each side. */
  region_num?: number;
  /** MHIM-MIL: masked shares of the highest and of the lowest attention. */
  m_h?: number;
  m_l?: number;
  mask_counts?: { area: number; n: number; masked: number }[];
  pseudo_bag_sizes?: number[];
}

/** The weights after three steps. */
type Weights3 = 'adam3' | 'adamw3' | 'teacher3';

export class Oracle {
  readonly name: string;
  readonly cases: Record<string, OracleCase>;
  readonly params: Record<string, number[]>;
  readonly parameterCount: number;
  private readonly tensors: Record<string, Tensor>;

  constructor(name: string, folder = 'mil') {
    const json = JSON.parse(readFileSync(fixture(`oracles/${folder}/${name}.json`), 'utf8')) as {
      cases: Record<string, OracleCase>;
      params: Record<string, number[]>;
      n_params: number;
    };
    this.name = name;
    this.cases = Object.fromEntries(Object.entries(json.cases).map(([key, value]) => [key, summed(value)]));
    this.params = json.params;
    this.parameterCount = json.n_params;
    this.tensors = readSafetensors(fixture(`oracles/${folder}/${name}.safetensors`)).tensors;
  }

  floats(tensor: string): Float32Array {
    return toFloat32(this.tensor(tensor));
  }

  ids(tensor: string): Int32Array {
    return toInt32(this.tensor(tensor));
  }

  has(tensor: string): boolean {
    return tensor in this.tensors;
  }

  input(oracleCase: OracleCase, role: string): string {
    return oracleCase.inputs[role];
  }

  weights(prefix = 'param'): HostWeights {
    return Object.fromEntries(
      Object.keys(this.params).map((name) => [name, this.floats(`${prefix}/${name}`)]),
    );
  }

  /**
   * The stored entries of a gradient or of the weights after three steps: all, or those of the summary.
   */
  entries(name: string, kind: 'grad' | Weights3, parameter: string): Pick<Summary, 'index' | 'value'> {
    const oracleCase = this.cases[name];
    const summary = oracleCase[`${kind}_summary`]?.[parameter];
    if (summary !== undefined) return summary;
    const unused = oracleCase.unused_params.includes(parameter) && kind !== 'teacher3';
    const value = [...this.floats(unused ? `param/${parameter}` : `${name}/${kind}/${parameter}`)];
    return { index: [...value.keys()], value };
  }

  bag(oracleCase: OracleCase, role = 'x'): Bag {
    const [rows, dim] = this.tensor(oracleCase.inputs[role]).shape;
    const { area } = oracleCase.inputs;
    const areas = area === undefined ? new Float32Array(rows).fill(1) : this.floats(area);
    return placedBag({
      x: tf.tensor2d(this.floats(oracleCase.inputs[role]), [rows, dim]),
      rows,
      area: areas,
      isGroup: Uint8Array.from(areas, (value) => (value === 0 ? 1 : 0)),
      coords: new Int32Array(2 * rows),
    });
  }

  private tensor(name: string): Tensor {
    const tensor = this.tensors[name];
    assert.ok(tensor, `${this.name} has no tensor ${name}`);
    return tensor;
  }
}

/** The reduced sizes of the oracles. */
export function oracleConfig(model: string): ModelConfig;
export function oracleConfig<Options>(model: string, options: Options): ModelConfig<Options>;
export function oracleConfig(model: string, options: unknown = {}): ModelConfig<unknown> {
  return {
    model,
    dim: 32,
    outputs: 2,
    endpoint: 'classification',
    embedDim: 64,
    attentionDim: 16,
    dropout: 0,
    options,
  };
}

export function stepContext(label: number, parts: Record<string, number> = {}): StepContext {
  return {
    ...classLoss(label),
    step: 0,
    totalSteps: 3,
    stream: (purpose) => new RandomStream('test', purpose),
    report: (part, value) => (parts[part] = typeof value === 'number' ? value : value.dataSync()[0]),
  };
}

export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  what: string,
  abs = 1e-5,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const tolerance = abs + 1e-4 * Math.abs(expected[i]);
    assert.ok(
      Math.abs(actual[i] - expected[i]) <= tolerance,
      `${what}[${i}]: ${actual[i]}, expected ${expected[i]}`,
    );
  }
}

/** Logits and attention without dropout, through the model's own `infer`. */
export function inferOracle(
  model: Model,
  weights: Weights,
  bag: Bag,
): { logits: Float32Array; attention: Float32Array } {
  const { logits, attention, instanceLogits } = tf.tidy(() => model.infer(weights, bag));
  const result = {
    logits: Float32Array.from(logits.dataSync()),
    attention: Float32Array.from(attention.dataSync()),
  };
  assert.deepEqual(instanceLogits.shape, [bag.rows, logits.size]);
  tf.dispose([logits, attention, instanceLogits]);
  return result;
}

/**
 * Loss, every gradient, and the weights after three Adam steps, each within an appropriate tolerance.
 */
export function checkTraining(
  model: Model,
  oracle: Oracle,
  name: string,
  context?: (parts: Record<string, number>) => StepContext,
  afterStep?: (student: Weights) => void,
): Record<string, number> {
  const oracleCase = oracle.cases[name];
  const bag = oracle.bag(oracleCase);
  const parts: Record<string, number> = {};
  const step = () => context?.(parts) ?? stepContext(oracleCase.label, parts);
  const adam = openAdam(model.parameters, startingState(oracle.weights()), { weightDecay: 1e-5 });
  checkGradients(model, adam.weights(), bag, step(), oracle, name);
  const first = { ...parts };
  oracleCase.loss_steps.slice(0, 3).forEach((expected, i) => {
    const loss = trainStep(model, adam, bag, step(), 2e-4);
    afterStep?.(adam.weights());
    assertClose([loss], [expected], `${oracle.name} ${name}: loss of step ${i}`);
  });
  checkWeights(adam.state(), oracle, name, 'adam3');
  adam.dispose();
  bag.x.dispose();
  return first;
}

/** Loss and every gradient of a model with the oracle's weights. */
export function checkSlopes(
  model: Model,
  oracle: Oracle,
  name: string,
  context: StepContext = stepContext(oracle.cases[name].label),
): void {
  const bag = oracle.bag(oracle.cases[name]);
  const weights = toDevice(model, oracle.weights());
  checkGradients(model, weights, bag, context, oracle, name);
  tf.dispose([weights, bag.x]);
}

function checkGradients(
  model: Model,
  weights: Weights,
  bag: Bag,
  step: StepContext,
  oracle: Oracle,
  name: string,
): void {
  const { loss, gradients } = lossGradients(model, weights, bag, step);
  const values = Object.entries(gradients).map(([parameter, tensor]) => [parameter, tensor.dataSync()]);
  compareGradients(loss, Object.fromEntries(values) as HostWeights, oracle, name);
  tf.dispose(gradients);
}

/** A loss and its gradients by parameter, against those of a case. */
export function compareGradients(
  loss: number,
  gradients: Readonly<Record<string, ArrayLike<number>>>,
  oracle: Oracle,
  name: string,
): void {
  const { scalars, unused_params, grad_max_abs } = oracle.cases[name];
  const size = (parameter: string) =>
    grad_max_abs?.[parameter] ?? Math.max(...oracle.entries(name, 'grad', parameter).value.map(Math.abs));
  assertClose([loss], [scalars.loss], `${oracle.name} ${name}: loss`);
  const used = Object.keys(oracle.params).filter((parameter) => !unused_params.includes(parameter));
  assert.deepEqual(Object.keys(gradients).sort(), used.sort(), 'parameters with a gradient');
  const largest = Math.max(...used.map(size));
  for (const parameter of used) {
    const tolerance = 1e-3 * (size(parameter) + 1e-3 * largest);
    const { index, value } = oracle.entries(name, 'grad', parameter);
    const actual = gradients[parameter];
    const worst = Math.max(...index.map((at, i) => Math.abs(actual[at] - value[i])));
    assert.ok(
      worst <= tolerance,
      `${oracle.name} ${name}: gradient of ${parameter} is off by ${worst}, allowed ${tolerance}`,
    );
  }
}

/** @param noise parameters without a true gradient, besides those that have none in any model */
export function checkWeights(
  { weights }: AdamState,
  oracle: Oracle,
  name: string,
  kind: Weights3,
  noise: readonly string[] = [],
): void {
  for (const parameter of Object.keys(oracle.params)) {
    const { index, value } = oracle.entries(name, kind, parameter);
    const differences = index.map((at, i) => Math.abs(value[i] - weights[parameter][at]));
    const off = differences.filter((difference) => difference > 2e-5).length;
    const allowed = noise.includes(parameter)
      ? index.length
      : (withoutSlope(parameter, index, oracle.params[parameter]) ?? Math.floor(index.length / 1000));
    assert.ok(
      off <= allowed,
      `${oracle.name} ${name}: ${off} of ${index.length} weights of ${parameter} are off after 3 steps`,
    );
    const worst = Math.max(...differences);
    assert.ok(worst <= 1.2e-3, `${parameter} is off by ${worst}`);
  }
}

/**
 * How many of the given entries have no true gradient, because a softmax cancels them: their Adam steps are
 * noise. Undefined where all have one; noise then flips few signs.
 */
function withoutSlope(
  parameter: string,
  index: readonly number[],
  [length]: readonly number[],
): number | undefined {
  if (/((att|t1|t2)\.w|epeg)\.b$/.test(parameter)) return index.length;
  // The rows of the keys.
  if (parameter.endsWith('.qkv.b'))
    return index.filter((at) => 3 * at >= length && 3 * at < 2 * length).length;
  return undefined;
}

export function checkCount(model: Model, expected: number): void {
  assert.equal(parameterCount(model.parameters), expected, 'number of parameters');
}

export function toDevice(model: Model, weights: HostWeights): Weights {
  return Object.fromEntries(
    model.parameters.map(({ name, shape }) => [name, tf.tensor(weights[name], shape)]),
  );
}

/** The oracle stores DTFD-MIL's two losses separately; the step reports their sum. */
function summed(oracleCase: OracleCase): OracleCase {
  const { loss0_steps: first, loss1_steps: second } = oracleCase;
  if (first === undefined || second === undefined) return oracleCase;
  const loss_steps = first.map((loss, i) => loss + second[i]);
  return { ...oracleCase, loss_steps, scalars: { loss: loss_steps[0] }, unused_params: [] };
}
