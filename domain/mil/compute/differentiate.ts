import { kernels, tf, type Scalar, type Tensor } from './backend.js';
import type { Weights } from './parameters.js';
import { recorded, type Operation } from './tensorflow-internals.js';

/**
 * Computes the value of `f` and its gradients with respect to the named weights. Weights on which it does not
 * depend are omitted. This corresponds to `variableGrads` of TensorFlow.js, but releases every recorded
 * activation and every intermediate gradient right after use, like PyTorch, which halves the memory for
 * TransMIL. To release intermediate results in `f` as well, wrap its parts in `tf.tidy`; tensors that the
 * gradients need are still kept.
 */
export function differentiate(
  f: () => Scalar,
  names: readonly string[],
  weights: Weights,
): { loss: Scalar; gradients: Weights } {
  const { value: loss, operations } = recorded(tf, f);
  const requested = new Map(names.map((name) => [weights[name].id, name]));
  const found = backpropagate(relevant(operations, new Set(requested.keys()), loss), loss);
  const gradients: Weights = {};
  for (const [id, gradient] of found) gradients[requested.get(id) as string] = gradient;
  return { loss, gradients };
}

/** A node with the inputs that depend on the requested weights. */
interface RelevantNode {
  node: Operation;
  inputs: [string, Tensor][];
}

/**
 * Selects the nodes on a path from the requested weights to the loss, in order. Saved tensors of other nodes
 * are disposed.
 */
function relevant(tape: readonly Operation[], requested: ReadonlySet<number>, loss: Tensor): RelevantNode[] {
  const fromWeights = new Set(requested);
  const reached = tape.map((node) => {
    const inputs = Object.entries(node.inputs).filter(([, input]) => fromWeights.has(input.id));
    if (inputs.length > 0) node.outputs.forEach((output) => fromWeights.add(output.id));
    return { node, inputs };
  });
  const toLoss = new Set([loss.id]);
  const kept: RelevantNode[] = [];
  for (const entry of reached.reverse()) {
    const { node, inputs } = entry;
    if (inputs.length === 0 || !node.outputs.some(({ id }) => toLoss.has(id))) {
      tf.dispose(node.saved);
      continue;
    }
    inputs.forEach(([, input]) => toLoss.add(input.id));
    kept.push(entry);
  }
  return kept.reverse();
}

/**
 * Returns the gradients of tensors that no node produced, which are the weights, by tensor id. Disposes the
 * nodes' saved tensors.
 */
function backpropagate(nodes: readonly RelevantNode[], loss: Tensor): Map<number, Tensor> {
  const gradients = new Map<number, Tensor>([[loss.id, tf.scalar(1)]]);
  for (const { node, inputs } of [...nodes].reverse()) {
    const dys = node.outputs.map(({ id }) => gradients.get(id) ?? null);
    const parts = nodeGradients(node, inputs, dys);
    inputs.forEach(([, input], i) => accumulate(gradients, input.id, parts[i]));
    node.outputs.forEach(({ id }) => gradients.delete(id));
    tf.dispose([...dys.filter((dy) => dy !== null), ...node.saved]);
  }
  if (nodes.length === 0) tf.dispose([...gradients.values()]);
  gradients.delete(loss.id);
  return gradients;
}

function nodeGradients(
  { gradient }: Operation,
  inputs: readonly [string, Tensor][],
  dys: readonly (Tensor | null)[],
): Tensor[] {
  if (gradient === undefined) throw new Error('an operation on the path to the loss has no gradient');
  const given = new Set(dys.map((dy) => dy?.id));
  return tf.tidy(() => {
    const functions = gradient([...dys]);
    return inputs.map(([name]) => {
      const part = functions[name]();
      // Some gradients are the incoming tensor itself, which is disposed afterwards.
      return given.has(part.id) ? tf.clone(part) : part;
    });
  });
}

function accumulate(gradients: Map<number, Tensor>, id: number, part: Tensor): void {
  const before = gradients.get(id);
  if (before === undefined) {
    gradients.set(id, part);
    return;
  }
  gradients.set(id, kernels.plus(before, part));
  tf.dispose([before, part]);
}
