import { SamMilError } from '../../errors.js';
import type { Tensor } from '../compute/backend.js';
import type { Inference, Model, ModelConfig } from './model.js';
import type { Bag } from '../bags/bag.js';
import { isBuiltInModel, modelEntry } from './registry.js';
import type { ParameterSpec } from '../compute/parameters.js';

/**
 * Builds a model by its name. The results of plugin models are checked and their errors name the model,
 * because a wrong shape would otherwise cause an error far from its origin.
 *
 * @throws SamMilError InvalidInput (unknown model, unsupported sizes), ContractBroken (a plugin model fails
 *   or returns wrong shapes)
 */
export async function buildModel(config: ModelConfig): Promise<Model> {
  const { model: name } = config;
  const entry = modelEntry(name);
  if (isBuiltInModel(name)) return (await entry.load())(config);
  try {
    return checkedModel(name, (await entry.load())(config), config);
  } catch (error) {
    throw blame(name, 'during construction', error);
  }
}

function checkedModel(name: string, model: Model, { outputs }: ModelConfig): Model {
  checkParameters(name, model.parameters);
  const during = <T>(what: string, f: () => T): T => {
    try {
      return f();
    } catch (error) {
      throw blame(name, `in its \`${what}\``, error);
    }
  };
  return {
    parameters: model.parameters,
    loss: (weights, bag, context) => during('loss', () => scalar(name, model.loss(weights, bag, context))),
    ...(model.gradients && {
      gradients(weights, bag, context) {
        return during('gradients', () => model.gradients!(weights, bag, context));
      },
    }),
    infer: (weights, bag) =>
      during('infer', () => checkInference(name, model.infer(weights, bag), bag, outputs)),
    ...(model.teacherMomentum && {
      teacherMomentum: (context) => during('teacherMomentum', () => model.teacherMomentum!(context)),
    }),
  };
}

function checkParameters(name: string, parameters: readonly ParameterSpec[]): void {
  const seen = new Set<string>();
  for (const { name: parameter, shape } of parameters) {
    if (seen.has(parameter)) throw broken(name, `two parameters are named "${parameter}"`);
    seen.add(parameter);
    if (shape.every((size) => Number.isInteger(size) && size > 0)) continue;
    throw broken(
      name,
      `parameter "${parameter}" has an invalid shape`,
      'positive integers',
      shape.join(' x '),
    );
  }
  if (seen.size === 0) throw broken(name, 'the model has no parameters');
}

function scalar<T extends Tensor>(name: string, loss: T): T {
  if (loss?.size === 1) return loss;
  throw broken(name, 'the loss is not a scalar', 'a scalar', describeShape(loss));
}

function checkInference(name: string, result: Inference, bag: Bag, outputs: number): Inference {
  const expected: [keyof Inference, number[]][] = [
    ['logits', [outputs]],
    ['attention', [bag.rows]],
    ['instanceLogits', [bag.rows, outputs]],
  ];
  for (const [part, shape] of expected) {
    const found = describeShape(result[part]);
    if (found !== shape.join(' x ')) {
      throw broken(name, `\`${part}\` has the wrong shape`, shape.join(' x '), found);
    }
  }
  return result;
}

function describeShape(tensor: Tensor | undefined): string {
  return tensor?.shape === undefined ? 'no tensor' : tensor.shape.join(' x ') || 'a scalar';
}

function broken(name: string, what: string, expected?: string, found?: string): SamMilError {
  return new SamMilError('ContractBroken', `model "${name}": ${what}`, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
    next: 'see "A model of your own" in docs/training.md',
  });
}

function blame(name: string, where: string, error: unknown): SamMilError {
  if (error instanceof SamMilError) return error;
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  const line = /\(?(file:\S+?)\)?$/m.exec(stack)?.[1];
  return new SamMilError('ContractBroken', `model "${name}" failed ${where}: ${message}`, {
    ...(line !== undefined && { found: `at ${line}` }),
    cause: error,
  });
}
